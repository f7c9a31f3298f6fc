#include "hypervisor/qemu/capture.h"

#include <algorithm>
#include <set>

#include "base/undo.h"
#include "codec/qmp/json.h"
#include "hypervisor/qemu/block_nodes.h"
#include "hypervisor/qemu/capture_session.h"
#include "hypervisor/qemu/guest_control.h"
#include "hypervisor/qemu/migration.h"
#include "hypervisor/qemu/pause_sequence.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::as_list;
using codec::qmp::list_of;
using codec::qmp::text_of;

namespace {

Result<std::set<std::string>> open_nodes(QmpSession& session) {
    STASIS_TRY(const Json nodes, session.execute("query-named-block-nodes", Json{{"flat", true}}));
    std::set<std::string> names;
    for (const Json& node : as_list(nodes)) names.insert(text_of(node, "node-name"));
    return names;
}

void close_nodes(QmpSession& session, const model::Overlay& overlay) {
    (void)session.execute("blockdev-del", Json{{"node-name", model::node_name(overlay.target, overlay.image.id)}});
    (void)session.execute("blockdev-del", Json{{"node-name", file_node_name(overlay.target, overlay.image.id)}});
}

DiskOptions options_of(const GuestRecord& record, const DiskTarget& target) {
    const auto found = std::ranges::find(record.disks, target, &DiskOptions::target);
    return found == record.disks.end() ? DiskOptions{.target = target} : *found;
}

}  // namespace

Result<bool> QemuCapture::gone(const model::GuestRef& guest) {
    const auto record = read_record(parts_.files, run_folder(parts_.root, guest));
    if (!record) return record.error().kind == ErrorKind::not_found ? Result<bool>(true) : std::unexpected(record.error());
    STASIS_TRY(const bool alive, parts_.processes.alive(record->process));
    return !alive;
}

Result<model::MemoryAbility> QemuCapture::memory_ability(const model::GuestRef& guest) {
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    STASIS_TRY(const Json migration, session->execute("query-migrate"));
    model::MemoryAbility ability;
    for (const Json& reason : list_of(migration, "blocked-reasons"))
        if (reason.is_string()) ability.why_not += (ability.why_not.empty() ? "" : "; ") + reason.get<std::string>();
    ability.migratable = ability.why_not.empty();
    if (!ability.migratable) return ability;
    const auto asked = set_up_migration(*session, MemoryMethod::background);
    ability.background = asked.has_value();
    if (!asked && asked.error().kind != ErrorKind::unsupported) return std::unexpected(asked.error());
    if (!asked) ability.why_not = asked.error().why;
    reset_migration(*session);
    return ability;
}

Result<void> QemuCapture::open_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) {
    const RunFolder folder = run_folder(parts_.root, guest);
    STASIS_TRY(const GuestRecord record, read_record(parts_.files, folder));
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    STASIS_TRY(const auto names, open_nodes(*session));
    std::vector<const model::Overlay*> opened;
    Undo close([&] {
        for (const model::Overlay* overlay : opened) close_nodes(*session, *overlay);
    });
    for (const model::Overlay& overlay : overlays) {
        // One that is open already may be left from an undone capture, and its file may have been replaced since.
        if (names.contains(file_node_name(overlay.target, overlay.image.id))) close_nodes(*session, overlay);
        opened.push_back(&overlay);
        const DiskOptions options = options_of(record, overlay.target);
        const auto [file, format] = image_nodes({.image = overlay.image, .target = overlay.target, .options = options});
        STASIS_CHECK(session->execute("blockdev-add", file));
        STASIS_CHECK(session->execute("blockdev-add", format));
    }
    close.dismiss();
    return {};
}

Result<void> QemuCapture::close_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) {
    STASIS_TRY(const bool dead, gone(guest));
    if (dead) return {};
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    STASIS_TRY(const auto names, open_nodes(*session));
    for (const model::Overlay& overlay : overlays)
        if (names.contains(file_node_name(overlay.target, overlay.image.id))) close_nodes(*session, overlay);
    return {};
}

/// Brings the guest into the state that a capture begins in; whether it runs. What a tool that died has kept may be
/// out of date: QEMU resumes a guest whose save is cancelled by itself.
Result<bool> QemuCapture::settle_run_state(GuestControl& control, const RunFolder& folder, bool may_run) {
    STASIS_TRY(const std::string state, control.run_state());
    const bool inactive = kept_state(parts_.files, folder) == KeptState::inactive;
    if (may_run && state == "running") {
        if (inactive) STASIS_CHECK(keep_state(parts_.files, folder, KeptState::running));
        return true;
    }
    if (may_run && !inactive) return false;
    STASIS_CHECK(control.pause());
    return false;
}

Result<std::unique_ptr<port::CaptureSession>> QemuCapture::capture(const port::CaptureRequest& request) {
    const RunFolder folder = run_folder(parts_.root, request.guest);
    STASIS_TRY(const GuestRecord record, read_record(parts_.files, folder));
    STASIS_TRY(const auto session, parts_.monitors.commands(request.guest));
    GuestControl control(*session, parts_.files, parts_.clock, folder);
    STASIS_TRY(const bool running, settle_run_state(control, folder, request.resume));
    PauseContext context{.session = *session, .control = control, .files = parts_.files, .clock = parts_.clock,
                         .folder = folder, .disks = request.disks, .was_running = running,
                         .protection = parts_.protection, .pid = record.process.pid, .progress = request.progress,
                         .cancel = request.cancel};
    const MemoryMethod wanted = request.memory ? request.memory->method : MemoryMethod::none;
    const auto sequence = choose_pause_sequence(wanted, context.was_running, session->version());
    Undo reset([&] { reset_migration(*session); });
    std::unique_ptr<MemoryStream> stream;
    if (request.memory) {
        STASIS_CHECK(set_up_migration(*session, sequence->method()));
        STASIS_CHECK(sequence->prepare(context));
        STASIS_TRY(stream, MemoryStream::open(parts_.files, *request.memory));
        STASIS_CHECK(pass_stream(*session, stream->take_write_end()));
        context.stream = stream.get();
    }
    reset.dismiss();  // from here on whoever ends the migration does that
    STASIS_TRY(const Instant instant, sequence->run(context));
    return make_capture_session({.session = session, .stream = std::move(stream),
                                 .report = {.pause_us = instant.pause_us, .method = sequence->method()},
                                 .clock = parts_.clock, .protection = parts_.protection, .pid = record.process.pid});
}

}  // namespace stasis::hypervisor::qemu
