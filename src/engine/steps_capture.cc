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

/// The external disks whose overlay the guest writes to now.
Result<std::vector<model::DiskCapture>> switched_disks(StepContext& context, const plan::CaptureInstant& step) {
    STASIS_TRY(const model::ActiveLayers active, context.ports().blocks.active_layers(step.guest));
    std::vector<model::DiskCapture> switched;
    for (const model::DiskCapture& disk : step.disks) {
        if (disk.mode != DiskMode::external) continue;
        const auto now = active.find(disk.target);
        if (now != active.end() && now->second == disk.overlay) switched.push_back(disk);
        else if (now == active.end() || now->second != disk.active)
            return fail(ErrorKind::failed, "undo a snapshot", "disk '" + disk.target.str() + "'",
                        "somebody else changed its layers meanwhile", "shut the guest down and repeat the command");
    }
    return switched;
}

/// The guest must not write between a fold and the removal of its overlay: a crash just then, with the guest gone
/// afterwards, would leave an overlay that looks full of news and is stale. So it stands still for the fold.
Result<void> fold_back_online(StepContext& context, const plan::CaptureInstant& step) {
    port::Ports& ports = context.ports();
    STASIS_CHECK(ports.capture.abandon(step.guest));
    STASIS_TRY(const std::vector<model::DiskCapture> switched, switched_disks(context, step));
    if (!switched.empty()) {
        context.note("the guest stands still while its new overlays are folded back");
        STASIS_CHECK(ports.lifecycle.pause(step.guest));
    }
    for (const model::DiskCapture& disk : switched)
        STASIS_CHECK(ports.blocks.merge_down(step.guest, disk.target, disk.overlay, disk.active, context.progress, context.cancel));
    for (const model::Image& overlay : step.overlays) STASIS_CHECK(ports.files.remove_file(overlay.path));
    for (const model::DiskCapture& disk : step.disks)
        if (disk.mode == DiskMode::internal)
            STASIS_CHECK(ports.blocks.delete_internal(step.guest, disk.target, disk.active, disk.internal_name));
    if (!step.was_running) return {};
    STASIS_TRY(const model::GuestStatus status, ports.lifecycle.status(step.guest));
    if (status.state == DomainState::paused) STASIS_CHECK(ports.lifecycle.resume(step.guest));
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
    if (step.memory) STASIS_CHECK(refuse_taken(context, step.memory->path));
    return StepNote{};
}

Result<void> apply(StepContext& context, const plan::CaptureInstant& step, StepNote& note) {
    if (context.again)
        return fail(ErrorKind::failed, "take the instant of a snapshot", {}, "its instant has passed", "take the snapshot again");
    port::CaptureRequest request{step.guest, step.disks, step.memory, step.was_running};
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
