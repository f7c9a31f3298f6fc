// The five ports on a WorldStore. Made by FakeDriver; the store must outlive them. One thread.
#pragma once

#include <functional>

#include "hypervisor/fake/store.h"
#include "port/ports.h"

namespace stasis::fake {

class FakeLifecycle final : public port::Lifecycle {
public:
    /// `now` may be empty: then the world's sequence stands for time.
    FakeLifecycle(WorldStore& store, std::function<UnixMicros()> now) : store_(store), now_(std::move(now)) {}
    Result<model::GuestProcess> launch(const port::LaunchRequest& request) override;
    Result<model::GuestStatus> status(const model::GuestRef& guest) override;
    /// A parked guest takes its images back.
    Result<void> pause(const model::GuestRef& guest) override;
    Result<UnixMicros> resume(const model::GuestRef& guest) override;
    Result<void> park(const model::GuestRef& guest) override;
    Result<port::RestoreReport> load_memory(const model::GuestRef& guest, const std::string& path, ProgressSink* progress,
                                            const CancelToken* cancel) override;
    /// A running guest is gone at once, a paused one when it next runs, a deaf one never.
    Result<void> request_shutdown(const model::GuestRef& guest) override;
    Result<void> kill(const model::GuestRef& guest) override;
    /// "" and "pc" stand for "pc-fake-1.0", "q35" for "pc-q35-fake-1.0"; any other is versioned already.
    Result<std::string> resolve_machine(const std::string& emulator, const std::string& arch,
                                        const std::string& machine) override;

private:
    WorldStore& store_;
    std::function<UnixMicros()> now_;
};

class FakeCapture final : public port::InstantCapture {
public:
    explicit FakeCapture(WorldStore& store) : store_(store) {}
    Result<model::MemoryAbility> memory_ability(const model::GuestRef& guest) override;
    Result<void> open_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) override;
    Result<void> close_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) override;
    Result<std::unique_ptr<port::CaptureSession>> capture(const port::CaptureRequest& request) override;
    Result<void> abandon(const model::GuestRef& guest) override;

private:
    WorldStore& store_;
};

class FakeBlockGraph final : public port::BlockGraph {
public:
    explicit FakeBlockGraph(WorldStore& store) : store_(store) {}
    Result<model::ActiveLayers> active_layers(const model::GuestRef& guest) override;
    Result<void> merge_down(const model::GuestRef& guest, const DiskTarget& target, model::ImageId top, model::ImageId base,
                            ProgressSink* progress, const CancelToken* cancel) override;
    void on_switch(std::function<Result<void>()> call) override { switched_ = std::move(call); }
    Result<void> abandon_merge(const model::GuestRef& guest, const DiskTarget& target) override;
    Result<void> delete_internal(const model::GuestRef& guest, const DiskTarget& target, model::ImageId image,
                                 const std::string& name) override;

private:
    WorldStore& store_;
    std::function<Result<void>()> switched_;
};

class FakeVolume final : public port::Volume {
public:
    explicit FakeVolume(WorldStore& store) : store_(store) {}
    Result<model::ImageFacts> inspect(const std::string& path, model::ImageFormat stated) override;
    Result<void> create_overlay(const port::NewOverlay& overlay) override;
    Result<void> create_internal(const std::string& path, const std::string& name) override;
    Result<void> apply_internal(const std::string& path, const std::string& name) override;
    Result<void> delete_internal(const std::string& path, const std::string& name) override;
    Result<void> merge_down(const std::vector<model::Image>& chain, ProgressSink* progress,
                            const CancelToken* cancel) override;

private:
    WorldStore& store_;
};

/// exists() tells only of what the world has been told: a user's disk that nobody has opened yet is not among it.
class FakeStateFiles final : public port::StateFiles {
public:
    explicit FakeStateFiles(WorldStore& store) : store_(store) {}
    Result<bool> make_folder(const std::string& path) override;
    Result<void> remove_folder(const std::string& path) override;
    Result<void> remove_file(const std::string& path) override;
    Result<void> copy_file(const std::string& from, const std::string& to) override;
    Result<bool> exists(const std::string& path) override;
    Result<std::uint64_t> free_bytes(const std::string& folder) override;

private:
    WorldStore& store_;
};

}  // namespace stasis::fake
