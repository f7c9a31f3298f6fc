#include "engine/steps.h"
#include "model/xml/domain_xml.h"

namespace stasis::engine {
namespace {

Result<void> stand_still(StepContext& context, const model::GuestRef& guest) {
    STASIS_TRY(const bool alive, guest_alive(context, guest));
    return alive ? context.ports().lifecycle.pause(guest) : Result<void>{};
}

/// While recovering, a guest that ended since the interruption needs nothing more: what a step wanted of it is moot.
Result<bool> ended_since(StepContext& context, const model::GuestRef& guest) {
    if (!context.recovering) return false;
    STASIS_TRY(const bool alive, guest_alive(context, guest));
    if (!alive) context.note("the guest ended meanwhile; start it again or revert once more");
    return !alive;
}

Result<bool> in_state(StepContext& context, const model::GuestRef& guest, DomainState state) {
    STASIS_TRY(const model::GuestStatus status, context.ports().lifecycle.status(guest));
    return status.state == state;
}

}  // namespace

Result<StepNote> note_running(StepContext& context, const model::GuestRef& guest) {
    STASIS_TRY(const model::GuestStatus status, context.ports().lifecycle.status(guest));
    StepNote note;
    note.was_running = status.state == DomainState::running;
    return note;
}

Result<void> run_again(StepContext& context, const model::GuestRef& guest) {
    STASIS_TRY(const bool alive, guest_alive(context, guest));
    if (!alive) return {};
    STASIS_CHECK(context.ports().lifecycle.resume(guest));
    return {};
}

Result<bool> guest_alive(StepContext& context, const model::GuestRef& guest) {
    STASIS_TRY(const model::GuestStatus status, context.ports().lifecycle.status(guest));
    return status.state != DomainState::shut_off;
}

Result<StepNote> before(StepContext& context, const plan::PauseGuest& step) { return note_running(context, step.guest); }

Result<void> apply(StepContext& context, const plan::PauseGuest& step, StepNote&) {
    STASIS_TRY(const bool moot, ended_since(context, step.guest));
    if (moot) return {};
    return context.ports().lifecycle.pause(step.guest);
}

Result<bool> is_done(StepContext& context, const plan::PauseGuest& step, const StepNote&) {
    return in_state(context, step.guest, DomainState::paused);
}

Result<void> undo(StepContext& context, const plan::PauseGuest& step, const StepNote& note) {
    return note.was_running ? run_again(context, step.guest) : Result<void>{};
}

Result<StepNote> before(StepContext& context, const plan::ResumeGuest& step) { return note_running(context, step.guest); }

Result<void> apply(StepContext& context, const plan::ResumeGuest& step, StepNote& note) {
    STASIS_TRY(const bool moot, ended_since(context, step.guest));
    if (moot) return {};
    STASIS_TRY(note.resumed_at, context.ports().lifecycle.resume(step.guest));
    return {};
}

Result<bool> is_done(StepContext& context, const plan::ResumeGuest& step, const StepNote&) {
    return in_state(context, step.guest, DomainState::running);
}

Result<void> undo(StepContext& context, const plan::ResumeGuest& step, const StepNote& note) {
    return note.was_running ? Result<void>{} : stand_still(context, step.guest);
}

Result<void> apply(StepContext& context, const plan::ParkGuest& step, StepNote&) {
    return context.ports().lifecycle.park(step.guest);
}

Result<void> undo(StepContext& context, const plan::ParkGuest& step, const StepNote&) {
    return step.was_running ? run_again(context, step.guest) : stand_still(context, step.guest);
}

Result<void> apply(StepContext& context, const plan::LaunchGuest& step, StepNote& note) {
    port::Lifecycle& lifecycle = context.ports().lifecycle;
    // One that an earlier run started and could not record is not known well enough to be kept.
    if (context.again) STASIS_CHECK(lifecycle.kill(step.guest));
    STASIS_TRY(model::ParsedDomain parsed, model::domain_from_xml(step.definition_xml, "the recorded definition", {}));
    STASIS_TRY(note.process, lifecycle.launch({step.guest, std::move(parsed.domain), step.disks, step.nvram,
                                               step.await_memory, step.replaces_running}));
    return {};
}

Result<void> undo(StepContext& context, const plan::LaunchGuest& step, const StepNote&) {
    return context.ports().lifecycle.kill(step.guest);
}

Result<void> apply(StepContext& context, const plan::LoadMemory& step, StepNote& note) {
    STASIS_TRY(const port::RestoreReport report, context.ports().lifecycle.load_memory(step.guest, step.path,
                                                                                       context.progress, context.cancel));
    note.restored_guest_bytes = report.guest_bytes;
    return {};
}

Result<void> apply(StepContext& context, const plan::RequestShutdown& step, StepNote&) {
    STASIS_TRY(const bool moot, ended_since(context, step.guest));
    if (moot) return {};
    return context.ports().lifecycle.request_shutdown(step.guest);
}

Result<bool> is_done(StepContext& context, const plan::RequestShutdown& step, const StepNote&) {
    return in_state(context, step.guest, DomainState::shut_off);
}

Result<void> apply(StepContext& context, const plan::KillGuest& step, StepNote&) {
    return context.ports().lifecycle.kill(step.guest);
}

Result<bool> is_done(StepContext& context, const plan::KillGuest& step, const StepNote&) {
    return in_state(context, step.guest, DomainState::shut_off);
}

}  // namespace stasis::engine
