#include <algorithm>

#include "hypervisor/fake/ports.h"
#include "hypervisor/fake/rules.h"

namespace stasis::fake {
namespace {

constexpr std::string_view kAttempted = "take the instant";

std::string partial_of(const std::string& path) { return path + std::string(model::kMemoryPartSuffix); }

void drop_streaming(World& world, Guest& guest) {
    if (!guest.streaming) return;
    world.files.erase(partial_of(guest.streaming->path));
    guest.streaming.reset();
}

Result<void> open_overlay(World& world, const model::GuestRef& ref, Guest& guest, const model::Overlay& overlay) {
    constexpr std::string_view kOpening = "open the overlay";
    if (std::ranges::find(guest.opened, overlay) != guest.opened.end()) return {};
    STASIS_TRY(const GuestDisk* const disk, find_guest_disk(guest, overlay.target, kOpening));
    if (disk->chain.front().id == overlay.image.id) return {};  // active already
    const auto refuse = [&](ErrorKind kind, std::string why) {
        return fail(kind, std::string(kOpening), overlay.image.path, std::move(why));
    };
    if (disk->chain.front().id != overlay.backing) return refuse(ErrorKind::invalid, "it is not meant for the active layer");
    const auto image = world.images.find(overlay.image.path);
    if (image == world.images.end()) return refuse(ErrorKind::not_found, "there is no such file");
    if (!image->second.clusters.empty()) return refuse(ErrorKind::invalid, "it is not empty");
    if (image->second.backing_path != disk->chain.front().path)
        return refuse(ErrorKind::corrupt, "it builds on '" + image->second.backing_path + "'");
    STASIS_CHECK(may_use(world, overlay.image.path, Use::write, ref));
    guest.opened.push_back(overlay);
    return {};
}

Result<void> switch_external(World& world, Guest& guest, GuestDisk& disk, const model::DiskCapture& wanted) {
    const auto overlay = std::ranges::find_if(guest.opened, [&](const model::Overlay& candidate) {
        return candidate.target == wanted.target && candidate.image.id == wanted.overlay;
    });
    if (overlay == guest.opened.end())
        return fail(ErrorKind::invalid, std::string(kAttempted), "disk '" + wanted.target.str() + "'", "its overlay is not open");
    disk.chain.insert(disk.chain.begin(), overlay->image);
    world.images.at(overlay->image.path).was_active = true;
    guest.opened.erase(overlay);
    return {};
}

Result<void> capture_disk(World& world, Guest& guest, const model::DiskCapture& wanted) {
    if (wanted.mode == DiskMode::no) return {};
    STASIS_TRY(GuestDisk* const disk, find_guest_disk(guest, wanted.target, kAttempted));
    if (disk->chain.front().id != wanted.active)
        return fail(ErrorKind::invalid, std::string(kAttempted), "disk '" + wanted.target.str() + "'",
                    "another layer is active than was planned for", "try again");
    if (wanted.mode == DiskMode::external) return switch_external(world, guest, *disk, wanted);
    return add_internal(world, disk->chain.front().path, wanted.internal_name);
}

Result<void> capture_memory(World& world, const model::GuestRef& ref, Guest& guest, const model::MemoryCapture& wanted) {
    const auto refuse = [&](ErrorKind kind, std::string why) {
        return fail(kind, std::string(kAttempted), subject_of(ref), std::move(why));
    };
    if (guest.streaming) return refuse(ErrorKind::busy, "the memory of an earlier instant is still being saved");
    if (guest.awaiting_memory) return refuse(ErrorKind::failed, "it waits for its memory to be loaded");
    if (!guest.can_migrate) return refuse(ErrorKind::unsupported, "a device of the guest can't be saved");
    if (wanted.method == MemoryMethod::background && !guest.can_background)
        return refuse(ErrorKind::unsupported, "write tracking is not to be had");
    STASIS_CHECK(may_create(world, wanted.path, guest.memory.pages.size() * kPageBytes, "save memory"));
    guest.streaming = Streaming{.token = ++world.sequence, .path = wanted.path};
    world.files[partial_of(wanted.path)] = memory_to_text({guest.memory, guest.machine});
    return {};
}

/// What a session knows of its capture.
struct Taken {
    model::GuestRef guest;
    std::uint64_t token = 0;  ///< 0: no memory
    port::CaptureReport report;
};

Result<Taken> capture_in(World& world, const port::CaptureRequest& request) {
    STASIS_TRY(Guest* const guest, find_guest(world, request.guest, kAttempted));
    if (guest->parked)
        return fail(ErrorKind::failed, std::string(kAttempted), subject_of(request.guest), "it has given up its images");
    STASIS_CHECK(refuse_merging(*guest, kAttempted));
    for (const auto& disk : request.disks) STASIS_CHECK(capture_disk(world, *guest, disk));
    Taken taken{.guest = request.guest};
    if (request.memory) {
        STASIS_CHECK(capture_memory(world, request.guest, *guest, *request.memory));
        taken.token = guest->streaming->token;
        taken.report.method = request.memory->method;
        taken.report.memory_guest_bytes = guest->memory.pages.size() * kPageBytes;
    }
    if (guest->state == DomainState::running) {
        taken.report.pause_us = kPauseUs;
        if (!request.resume) guest->state = DomainState::paused;
    }
    ++world.sequence;
    return taken;
}

class FakeSession final : public port::CaptureSession {
public:
    FakeSession(WorldStore& store, Taken taken) : store_(store), taken_(std::move(taken)) {}
    FakeSession(const FakeSession&) = delete;
    FakeSession& operator=(const FakeSession&) = delete;
    ~FakeSession() override {
        if (!finished_) (void)cancel_capture();
    }

    Result<port::CaptureReport> finish(ProgressSink* progress, const CancelToken* cancel) override {
        finished_ = true;
        if (taken_.token == 0) return taken_.report;
        if (cancel != nullptr && cancel->cancelled()) {
            STASIS_CHECK(cancel_capture());
            return fail(ErrorKind::interrupted, "save memory", subject_of(taken_.guest), "it was cancelled");
        }
        const std::uint64_t total = taken_.report.memory_guest_bytes;
        if (progress != nullptr) progress->progress({.activity = "saving memory", .done_bytes = total, .total_bytes = total});
        return store_.change([&](World& world) { return seal(world); });
    }

private:
    Result<port::CaptureReport> seal(World& world) {
        const auto guest = world.guests.find(taken_.guest);
        if (guest == world.guests.end() || !guest->second.streaming || guest->second.streaming->token != taken_.token)
            return fail(ErrorKind::failed, "save memory", subject_of(taken_.guest), "the guest has gone, or ended the capture");
        const std::string path = guest->second.streaming->path;
        auto content = world.files.extract(partial_of(path));
        taken_.report.memory_file_bytes = content.mapped().size();
        world.files[path] = std::move(content.mapped());
        world.gone.erase(path);
        guest->second.streaming.reset();
        return taken_.report;
    }
    Result<void> cancel_capture() {
        return store_.change([&](World& world) -> Result<void> {
            const auto guest = world.guests.find(taken_.guest);
            if (guest != world.guests.end() && guest->second.streaming && guest->second.streaming->token == taken_.token)
                drop_streaming(world, guest->second);
            return {};
        });
    }

    WorldStore& store_;
    Taken taken_;
    bool finished_ = false;
};

}  // namespace

Result<model::MemoryAbility> FakeCapture::memory_ability(const model::GuestRef& ref) {
    return store_.look([&](const World& world) -> Result<model::MemoryAbility> {
        World copy = world;
        STASIS_TRY(const Guest* const guest, find_guest(copy, ref, "ask how memory can be saved"));
        model::MemoryAbility ability{.background = guest->can_background && guest->can_migrate, .migratable = guest->can_migrate};
        if (!ability.migratable) ability.why_not = "a device of the guest can't be saved";
        else if (!ability.background) ability.why_not = "write tracking is not to be had";
        return ability;
    });
}

Result<void> FakeCapture::open_overlays(const model::GuestRef& ref, const std::vector<model::Overlay>& overlays) {
    return store_.change([&](World& world) -> Result<void> {
        STASIS_TRY(Guest* const guest, find_guest(world, ref, "open the overlays"));
        for (const auto& overlay : overlays) STASIS_CHECK(open_overlay(world, ref, *guest, overlay));
        return {};
    });
}

Result<void> FakeCapture::close_overlays(const model::GuestRef& ref, const std::vector<model::Overlay>& overlays) {
    return store_.change([&](World& world) -> Result<void> {
        const auto guest = world.guests.find(ref);
        if (guest == world.guests.end()) return {};
        std::erase_if(guest->second.opened, [&](const model::Overlay& open) {
            return std::ranges::any_of(overlays, [&](const model::Overlay& closing) { return closing.image.id == open.image.id; });
        });
        return {};
    });
}

Result<std::unique_ptr<port::CaptureSession>> FakeCapture::capture(const port::CaptureRequest& request) {
    STASIS_TRY(auto taken, store_.change([&](World& world) { return capture_in(world, request); }));
    return std::make_unique<FakeSession>(store_, std::move(taken));
}

Result<void> FakeCapture::abandon(const model::GuestRef& ref) {
    return store_.change([&](World& world) -> Result<void> {
        if (const auto guest = world.guests.find(ref); guest != world.guests.end()) drop_streaming(world, guest->second);
        return {};
    });
}

}  // namespace stasis::fake
