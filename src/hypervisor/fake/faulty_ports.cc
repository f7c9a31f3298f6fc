#include "hypervisor/fake/faulty_ports.h"

namespace stasis::fake {

void FaultGate::arm(std::uint64_t at, Fault fault, Error error) {
    at_ = at;
    fault_ = fault;
    error_ = std::move(error);
    dead_ = false;
    struck_ = false;
    names_.clear();
}

Error FaultGate::killed() { return {.kind = ErrorKind::interrupted, .attempted = "go on", .why = "killed"}; }

bool FaultGate::is_killed(const Error& error) {
    for (const Error* at = &error; at != nullptr; at = at->cause.get())
        if (at->kind == ErrorKind::interrupted && at->why == "killed") return true;
    return false;
}

void FaultGate::bury(std::unique_ptr<port::CaptureSession> session) { buried_.push_back(std::move(session)); }

void FaultGate::die() {
    dead_ = true;
    if (on_death) on_death();
}

namespace {

class FaultySession final : public port::CaptureSession {
public:
    FaultySession(std::unique_ptr<port::CaptureSession> inner, FaultGate& gate) : inner_(std::move(inner)), gate_(gate) {}
    FaultySession(const FaultySession&) = delete;
    FaultySession& operator=(const FaultySession&) = delete;
    ~FaultySession() override {
        if (gate_.dead()) gate_.bury(std::move(inner_));
    }
    Result<port::CaptureReport> finish(ProgressSink* progress, const CancelToken* cancel) override {
        return gate_.pass("finish", [&] { return inner_->finish(progress, cancel); });
    }

private:
    std::unique_ptr<port::CaptureSession> inner_;
    FaultGate& gate_;
};

class FaultyLifecycle final : public port::Lifecycle {
public:
    FaultyLifecycle(port::Lifecycle& inner, FaultGate& gate) : inner_(inner), gate_(gate) {}
    Result<model::GuestProcess> launch(const port::LaunchRequest& request) override {
        return gate_.pass("launch", [&] { return inner_.launch(request); });
    }
    Result<model::GuestStatus> status(const model::GuestRef& guest) override {
        return gate_.pass("status", [&] { return inner_.status(guest); });
    }
    Result<void> pause(const model::GuestRef& guest) override {
        return gate_.pass("pause", [&] { return inner_.pause(guest); });
    }
    Result<UnixMicros> resume(const model::GuestRef& guest) override {
        return gate_.pass("resume", [&] { return inner_.resume(guest); });
    }
    Result<void> park(const model::GuestRef& guest) override {
        return gate_.pass("park", [&] { return inner_.park(guest); });
    }
    Result<port::RestoreReport> load_memory(const model::GuestRef& guest, const std::string& path,
                                            ProgressSink* progress, const CancelToken* cancel) override {
        return gate_.pass("load_memory", [&] { return inner_.load_memory(guest, path, progress, cancel); });
    }
    Result<void> request_shutdown(const model::GuestRef& guest) override {
        return gate_.pass("request_shutdown", [&] { return inner_.request_shutdown(guest); });
    }
    Result<void> kill(const model::GuestRef& guest) override {
        return gate_.pass("kill", [&] { return inner_.kill(guest); });
    }
    Result<std::string> resolve_machine(const std::string& emulator, const std::string& arch,
                                        const std::string& machine) override {
        return gate_.pass("resolve_machine", [&] { return inner_.resolve_machine(emulator, arch, machine); });
    }

private:
    port::Lifecycle& inner_;
    FaultGate& gate_;
};

class FaultyBlockGraph final : public port::BlockGraph {
public:
    FaultyBlockGraph(port::BlockGraph& inner, FaultGate& gate) : inner_(inner), gate_(gate) {}
    Result<model::ActiveLayers> active_layers(const model::GuestRef& guest) override {
        return gate_.pass("blocks.active_layers", [&] { return inner_.active_layers(guest); });
    }
    Result<void> merge_down(const model::GuestRef& guest, const DiskTarget& target, model::ImageId top,
                            model::ImageId base, ProgressSink* progress, const CancelToken* cancel) override {
        return gate_.pass("blocks.merge_down", [&] { return inner_.merge_down(guest, target, top, base, progress, cancel); });
    }
    Result<void> delete_internal(const model::GuestRef& guest, const DiskTarget& target, model::ImageId image,
                                 const std::string& name) override {
        return gate_.pass("blocks.delete_internal", [&] { return inner_.delete_internal(guest, target, image, name); });
    }
    Result<void> abandon_merge(const model::GuestRef& guest, const DiskTarget& target) override {
        return gate_.pass("blocks.abandon_merge", [&] { return inner_.abandon_merge(guest, target); });
    }
    void on_switch(std::function<Result<void>()> call) override { inner_.on_switch(std::move(call)); }

private:
    port::BlockGraph& inner_;
    FaultGate& gate_;
};

class FaultyVolume final : public port::Volume {
public:
    FaultyVolume(port::Volume& inner, FaultGate& gate) : inner_(inner), gate_(gate) {}
    Result<model::ImageFacts> inspect(const std::string& path, model::ImageFormat stated) override {
        return gate_.pass("volume.inspect", [&] { return inner_.inspect(path, stated); });
    }
    Result<void> create_overlay(const port::NewOverlay& overlay) override {
        return gate_.pass("volume.create_overlay", [&] { return inner_.create_overlay(overlay); });
    }
    Result<void> create_internal(const std::string& path, const std::string& name) override {
        return gate_.pass("volume.create_internal", [&] { return inner_.create_internal(path, name); });
    }
    Result<void> apply_internal(const std::string& path, const std::string& name) override {
        return gate_.pass("volume.apply_internal", [&] { return inner_.apply_internal(path, name); });
    }
    Result<void> delete_internal(const std::string& path, const std::string& name) override {
        return gate_.pass("volume.delete_internal", [&] { return inner_.delete_internal(path, name); });
    }
    Result<void> merge_down(const std::vector<model::Image>& chain, ProgressSink* progress,
                            const CancelToken* cancel) override {
        return gate_.pass("volume.merge_down", [&] { return inner_.merge_down(chain, progress, cancel); });
    }

private:
    port::Volume& inner_;
    FaultGate& gate_;
};

class FaultyStateFiles final : public port::StateFiles {
public:
    FaultyStateFiles(port::StateFiles& inner, FaultGate& gate) : inner_(inner), gate_(gate) {}
    Result<bool> make_folder(const std::string& path) override {
        return gate_.pass("files.make_folder", [&] { return inner_.make_folder(path); });
    }
    Result<void> remove_folder(const std::string& path) override {
        return gate_.pass("files.remove_folder", [&] { return inner_.remove_folder(path); });
    }
    Result<void> remove_file(const std::string& path) override {
        return gate_.pass("files.remove_file", [&] { return inner_.remove_file(path); });
    }
    Result<void> copy_file(const std::string& from, const std::string& to) override {
        return gate_.pass("files.copy_file", [&] { return inner_.copy_file(from, to); });
    }
    Result<bool> exists(const std::string& path) override {
        return gate_.pass("files.exists", [&] { return inner_.exists(path); });
    }
    Result<std::uint64_t> free_bytes(const std::string& folder) override {
        return gate_.pass("files.free_bytes", [&] { return inner_.free_bytes(folder); });
    }

private:
    port::StateFiles& inner_;
    FaultGate& gate_;
};

class FaultyInstantCapture final : public port::InstantCapture {
public:
    FaultyInstantCapture(port::InstantCapture& inner, FaultGate& gate) : inner_(inner), gate_(gate) {}
    Result<model::MemoryAbility> memory_ability(const model::GuestRef& guest) override {
        return gate_.pass("memory_ability", [&] { return inner_.memory_ability(guest); });
    }
    Result<void> open_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) override {
        return gate_.pass("open_overlays", [&] { return inner_.open_overlays(guest, overlays); });
    }
    Result<void> close_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) override {
        return gate_.pass("close_overlays", [&] { return inner_.close_overlays(guest, overlays); });
    }
    Result<std::unique_ptr<port::CaptureSession>> capture(const port::CaptureRequest& request) override {
        auto session = gate_.pass("capture", [&] { return inner_.capture(request); });
        if (!session) return session;
        return std::make_unique<FaultySession>(std::move(*session), gate_);
    }
    Result<void> abandon(const model::GuestRef& guest) override {
        return gate_.pass("abandon", [&] { return inner_.abandon(guest); });
    }

private:
    port::InstantCapture& inner_;
    FaultGate& gate_;
};

}  // namespace

struct FaultyPorts::Bodies {
    FaultyLifecycle lifecycle;
    FaultyInstantCapture capture;
    FaultyBlockGraph blocks;
    FaultyVolume volume;
    FaultyStateFiles files;
};

FaultyPorts::FaultyPorts(port::Ports inner, FaultGate& gate)
    : bodies_(std::make_unique<Bodies>(FaultyLifecycle(inner.lifecycle, gate), FaultyInstantCapture(inner.capture, gate),
                                       FaultyBlockGraph(inner.blocks, gate), FaultyVolume(inner.volume, gate),
                                       FaultyStateFiles(inner.files, gate))) {}

FaultyPorts::~FaultyPorts() = default;

port::Ports FaultyPorts::ports() {
    return {bodies_->lifecycle, bodies_->capture, bodies_->blocks, bodies_->volume, bodies_->files};
}

}  // namespace stasis::fake
