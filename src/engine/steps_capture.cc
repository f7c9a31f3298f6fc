#include <algorithm>
#include <optional>
#include <string>

#include "engine/steps.h"

namespace stasis::engine {
namespace {

/// Waits for the session and keeps what it measured.
Result<void> finish_capture(StepContext& context, StepNote& note) {
    const std::unique_ptr<port::CaptureSession> session = std::move(context.session);
    STASIS_TRY(note.capture, session->finish(context.progress, context.cancel));
    return {};
}

Result<void> remove_memory(StepContext& context, const std::string& path) {
    port::StateFiles& files = context.ports().files;
    STASIS_CHECK(files.remove_file(path + std::string(model::kMemoryPartSuffix)));
    return files.remove_file(path);
}

/// The layer that a disk had before the instant: as the plan says, else as the catalog knows it.
Result<model::Image> layer_before(StepContext& context, const plan::CaptureInstant& step, model::ImageId id) {
    const auto found = std::ranges::find(step.bases, id, &model::Image::id);
    if (found != step.bases.end()) return *found;
    STASIS_TRY(const catalog::DomainRecord record, context.parts.catalog.domain(step.guest.domain.str()));
    if (const model::Image* image = record.images.find(id)) return *image;
    return fail(ErrorKind::corrupt, "undo a snapshot", "image " + std::to_string(id.value), "neither plan nor catalog knows it");
}

const model::Image* overlay_of(const plan::CaptureInstant& step, const model::DiskCapture& disk) {
    const auto found = std::ranges::find(step.overlays, disk.overlay, &model::Image::id);
    return found == step.overlays.end() ? nullptr : &*found;
}

/// The guest is gone: whatever it wrote after the instant is in the overlay files. One that was never switched in is
/// empty, and folding it changes nothing.
Result<void> fold_back_offline(StepContext& context, const plan::CaptureInstant& step) {
    for (const model::DiskCapture& disk : step.disks) {
        if (disk.mode == DiskMode::no) continue;
        STASIS_TRY(const model::Image base, layer_before(context, step, disk.active));
        if (disk.mode == DiskMode::internal) {
            STASIS_CHECK(context.ports().volume.delete_internal(base.path, disk.internal_name));
            continue;
        }
        const model::Image* overlay = overlay_of(step, disk);
        if (!overlay) return fail(ErrorKind::corrupt, "undo a snapshot", disk.target.str(), "the plan names no overlay");
        STASIS_TRY(const bool there, context.ports().files.exists(overlay->path));
        if (!there) continue;
        STASIS_CHECK(context.ports().volume.merge_down({*overlay, base}, context.progress, context.cancel));
        STASIS_CHECK(context.ports().files.remove_file(overlay->path));
    }
    return {};
}

bool writes_to(const model::ActiveLayers& active, const DiskTarget& target, model::ImageId layer) {
    const auto now = active.find(target);
    return now != active.end() && now->second == layer;
}

/// The external disks whose overlay the guest writes to now. A fold that an earlier undo began is ended first: what it
/// would still do must not come after the look.
Result<std::vector<model::DiskCapture>> switched_disks(StepContext& context, const plan::CaptureInstant& step) {
    port::BlockGraph& blocks = context.ports().blocks;
    for (const model::DiskCapture& disk : step.disks)
        if (disk.mode == DiskMode::external) STASIS_CHECK(blocks.abandon_merge(step.guest, disk.target));
    STASIS_TRY(const model::ActiveLayers active, blocks.active_layers(step.guest));
    std::vector<model::DiskCapture> switched;
    for (const model::DiskCapture& disk : step.disks) {
        // A disk that the guest does not have cannot write to the overlay.
        if (disk.mode != DiskMode::external || !active.contains(disk.target)) continue;
        if (writes_to(active, disk.target, disk.overlay)) switched.push_back(disk);
        else if (!writes_to(active, disk.target, disk.active))
            return fail(ErrorKind::failed, "undo a snapshot", "disk '" + disk.target.str() + "'",
                        "somebody else changed its layers meanwhile", "shut the guest down and repeat the command");
    }
    return switched;
}

/// Overlays that the guest does not write to: never switched in, or folded back already and stale.
Result<void> remove_idle_overlays(StepContext& context, const plan::CaptureInstant& step,
                                  const std::vector<model::DiskCapture>& switched) {
    for (const model::Image& overlay : step.overlays) {
        if (std::ranges::find(switched, overlay.id, &model::DiskCapture::overlay) != switched.end()) continue;
        STASIS_CHECK(context.ports().files.remove_file(overlay.path));
    }
    return {};
}

/// A cut capture or fold may have left the guest standing, and without its images. From here on it is as the snapshot
/// found it, whether the folds succeed or not.
Result<void> set_going(StepContext& context, const plan::CaptureInstant& step) {
    port::Lifecycle& lifecycle = context.ports().lifecycle;
    STASIS_TRY(const model::GuestStatus status, lifecycle.status(step.guest));
    if (status.state == DomainState::shut_off) return {};
    if (step.was_running && status.state != DomainState::crashed) {
        STASIS_CHECK(lifecycle.resume(step.guest));
        return {};
    }
    return status.state == DomainState::running ? Result<void>{} : lifecycle.pause(step.guest);
}

/// The overlay's file goes while the driver holds the vCPUs: were it still there when the guest writes to the base, a
/// crash just then, with the guest gone afterwards, would leave an overlay that looks full of news and is stale.
Result<void> fold_back_disk(StepContext& context, const plan::CaptureInstant& step, const model::DiskCapture& disk) {
    const model::Image* overlay = overlay_of(step, disk);
    if (!overlay) return fail(ErrorKind::corrupt, "undo a snapshot", disk.target.str(), "the plan names no overlay");
    port::Ports& ports = context.ports();
    ports.blocks.on_switch([&] { return ports.files.remove_file(overlay->path); });
    auto folded = ports.blocks.merge_down(step.guest, disk.target, disk.overlay, disk.active, context.progress, context.cancel);
    ports.blocks.on_switch({});
    STASIS_CHECK(folded);
    return ports.files.remove_file(overlay->path);  // a driver without a running guest to protect does not tell of the switch
}

/// The guest runs on meanwhile: it stands still only over the switch of each disk.
Result<void> fold_back_online(StepContext& context, const plan::CaptureInstant& step) {
    port::Ports& ports = context.ports();
    STASIS_CHECK(ports.capture.abandon(step.guest));
    STASIS_TRY(const std::vector<model::DiskCapture> switched, switched_disks(context, step));
    STASIS_CHECK(remove_idle_overlays(context, step, switched));
    STASIS_CHECK(set_going(context, step));
    for (const model::DiskCapture& disk : switched) STASIS_CHECK(fold_back_disk(context, step, disk));
    for (const model::DiskCapture& disk : step.disks)
        if (disk.mode == DiskMode::internal)
            STASIS_CHECK(ports.blocks.delete_internal(step.guest, disk.target, disk.active, disk.internal_name));
    return {};
}

}  // namespace

Result<void> apply(StepContext& context, const plan::OpenOverlays& step, StepNote&) {
    return context.ports().capture.open_overlays(step.guest, step.overlays);
}

Result<void> undo(StepContext& context, const plan::OpenOverlays& step, const StepNote&) {
    return context.ports().capture.close_overlays(step.guest, step.overlays);
}

Result<StepNote> before(StepContext& context, const plan::CaptureInstant& step) {
    // Undo removes both names, so neither may be somebody else's.
    if (step.memory) {
        STASIS_CHECK(refuse_taken(context, step.memory->path));
        STASIS_CHECK(refuse_taken(context, step.memory->path + std::string(model::kMemoryPartSuffix)));
    }
    return StepNote{};
}

Result<void> apply(StepContext& context, const plan::CaptureInstant& step, StepNote& note) {
    if (context.again)
        return fail(ErrorKind::failed, "take the instant of a snapshot", {}, "its instant has passed", "take the snapshot again");
    port::CaptureRequest request{step.guest, step.disks, step.memory, step.was_running, context.progress, context.cancel};
    STASIS_TRY(context.session, context.ports().capture.capture(request));
    // Memory goes on streaming until CompleteMemory; without memory there is nothing to wait for.
    return step.memory ? Result<void>{} : finish_capture(context, note);
}

Result<void> undo(StepContext& context, const plan::CaptureInstant& step, const StepNote&) {
    context.session.reset();
    STASIS_TRY(const bool alive, guest_alive(context, step.guest));
    STASIS_CHECK(alive ? fold_back_online(context, step) : fold_back_offline(context, step));
    if (step.memory) STASIS_CHECK(remove_memory(context, step.memory->path));
    return {};
}

Result<void> apply(StepContext& context, const plan::CompleteMemory& step, StepNote& note) {
    if (context.session) return finish_capture(context, note);
    STASIS_TRY(const bool sealed, context.ports().files.exists(step.path));
    if (sealed) return {};
    return fail(ErrorKind::failed, "complete memory image " + step.path, {}, "its capture was cut off", "take the snapshot again");
}

Result<void> undo(StepContext& context, const plan::CompleteMemory& step, const StepNote&) {
    context.session.reset();
    return remove_memory(context, step.path);
}

}  // namespace stasis::engine
