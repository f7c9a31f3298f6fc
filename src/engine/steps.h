// What each step does to the host: for every alternative of plan::Step, look before it, apply it, undo it, and say
// whether it is done. Free functions, one source a family; StepRunner picks among them. An alternative that is
// forgotten does not compile. Internal to this room; one thread.
#pragma once

#include <concepts>
#include <functional>
#include <memory>

#include "engine/executor.h"
#include "engine/step_note.h"

namespace stasis::engine {

/// What steps of one plan share while it runs.
struct StepContext {
    EngineParts& parts;
    const plan::Plan& plan;
    ProgressSink* progress = nullptr;
    const CancelToken* cancel = nullptr;                 ///< null while undoing: that is never cut short
    Outcome outcome;                                     ///< of the steps so far
    std::unique_ptr<port::CaptureSession> session;       ///< between CaptureInstant and CompleteMemory
    std::function<Result<void>(const StepNote&)> keep;   ///< makes a note of the step that runs durable, at once
    bool again = false;                                  ///< an earlier run may have begun this step
    bool recovering = false;                             ///< the plan is from the journal: its guests may have ended since

    [[nodiscard]] port::Ports& ports() const { return parts.ports; }
    void note(const std::string& text) const {
        if (progress) progress->note(text);
    }
};

template <class S, class... Some>
concept OneOf = (std::same_as<S, Some> || ...);

// ---- before(): what is there, looked at before the intent is recorded, so that undo knows what is not ours ----
Result<StepNote> before(StepContext&, const plan::MakeFolder&);
Result<StepNote> before(StepContext&, const plan::CopyFile&);
Result<StepNote> before(StepContext&, const plan::CreateOverlay&);
Result<StepNote> before(StepContext&, const plan::CreateInternal&);
Result<StepNote> before(StepContext&, const plan::ApplyInternal&);
Result<StepNote> before(StepContext&, const plan::CaptureInstant&);
Result<StepNote> before(StepContext&, const plan::PauseGuest&);
Result<StepNote> before(StepContext&, const plan::ResumeGuest&);
Result<StepNote> before(StepContext&, const plan::MergeDown&);
Result<StepNote> before(StepContext&, const plan::RecordDomain&);
template <class S>
Result<StepNote> before(StepContext&, const S&) { return StepNote{}; }

// ---- apply(): with `context.again`, also over whatever an earlier run left of the same step ----
Result<void> apply(StepContext&, const plan::MakeFolder&, StepNote&);
Result<void> apply(StepContext&, const plan::CopyFile&, StepNote&);
Result<void> apply(StepContext&, const plan::RemoveFile&, StepNote&);
Result<void> apply(StepContext&, const plan::RemoveFolder&, StepNote&);
Result<void> apply(StepContext&, const plan::CreateOverlay&, StepNote&);
Result<void> apply(StepContext&, const plan::CreateInternal&, StepNote&);
Result<void> apply(StepContext&, const plan::ApplyInternal&, StepNote&);
Result<void> apply(StepContext&, const plan::OpenOverlays&, StepNote&);
Result<void> apply(StepContext&, const plan::CaptureInstant&, StepNote&);
Result<void> apply(StepContext&, const plan::CompleteMemory&, StepNote&);
Result<void> apply(StepContext&, const plan::PauseGuest&, StepNote&);
Result<void> apply(StepContext&, const plan::ResumeGuest&, StepNote&);
Result<void> apply(StepContext&, const plan::ParkGuest&, StepNote&);
Result<void> apply(StepContext&, const plan::LaunchGuest&, StepNote&);
Result<void> apply(StepContext&, const plan::LoadMemory&, StepNote&);
Result<void> apply(StepContext&, const plan::RequestShutdown&, StepNote&);
Result<void> apply(StepContext&, const plan::KillGuest&, StepNote&);
Result<void> apply(StepContext&, const plan::MergeDown&, StepNote&);
Result<void> apply(StepContext&, const plan::DeleteInternal&, StepNote&);
Result<void> apply(StepContext&, const plan::RecordDomain&, StepNote&);
Result<void> apply(StepContext&, const plan::ForgetDomain&, StepNote&);
Result<void> apply(StepContext&, const plan::RecordGuest&, StepNote&);
Result<void> apply(StepContext&, const plan::RecordSnapshot&, StepNote&);
Result<void> apply(StepContext&, const plan::RecordRevert&, StepNote&);
Result<void> apply(StepContext&, const plan::RecordDelete&, StepNote&);

// ---- undo(): safe when the step did all, half or nothing, and when called twice ----
/// What is gone for good. Stands only at or behind a plan's commit point.
template <class S>
concept Final = OneOf<S, plan::RemoveFile, plan::RemoveFolder, plan::KillGuest, plan::MergeDown, plan::DeleteInternal,
                      plan::ForgetDomain, plan::RecordSnapshot, plan::RecordRevert, plan::RecordDelete>;
Result<void> undo(StepContext&, const plan::MakeFolder&, const StepNote&);
Result<void> undo(StepContext&, const plan::CopyFile&, const StepNote&);
Result<void> undo(StepContext&, const plan::CreateOverlay&, const StepNote&);
Result<void> undo(StepContext&, const plan::CreateInternal&, const StepNote&);
Result<void> undo(StepContext&, const plan::ApplyInternal&, const StepNote&);
Result<void> undo(StepContext&, const plan::OpenOverlays&, const StepNote&);
Result<void> undo(StepContext&, const plan::CaptureInstant&, const StepNote&);
Result<void> undo(StepContext&, const plan::CompleteMemory&, const StepNote&);
Result<void> undo(StepContext&, const plan::PauseGuest&, const StepNote&);
Result<void> undo(StepContext&, const plan::ResumeGuest&, const StepNote&);
Result<void> undo(StepContext&, const plan::ParkGuest&, const StepNote&);
Result<void> undo(StepContext&, const plan::LaunchGuest&, const StepNote&);
Result<void> undo(StepContext&, const plan::MergeDown&, const StepNote&);
Result<void> undo(StepContext&, const plan::RecordDomain&, const StepNote&);
Result<void> undo(StepContext&, const plan::RecordGuest&, const StepNote&);
/// Nothing to undo: gone for good, a request, or something that ends with the guest that LaunchGuest's undo kills.
template <class S>
    requires((Final<S> && !OneOf<S, plan::MergeDown>) || OneOf<S, plan::LoadMemory, plan::RequestShutdown>)
Result<void> undo(StepContext&, const S&, const StepNote&) { return {}; }

// ---- is_done(): whether a step has taken effect. Asked of a plan's commit step when it failed or was interrupted,
// to choose between finishing and undoing; what cannot commit a plan says no ----
Result<bool> is_done(StepContext&, const plan::PauseGuest&, const StepNote&);
Result<bool> is_done(StepContext&, const plan::ResumeGuest&, const StepNote&);
Result<bool> is_done(StepContext&, const plan::RequestShutdown&, const StepNote&);
Result<bool> is_done(StepContext&, const plan::KillGuest&, const StepNote&);
Result<bool> is_done(StepContext&, const plan::MergeDown&, const StepNote&);
Result<bool> is_done(StepContext&, const plan::RecordDomain&, const StepNote&);
Result<bool> is_done(StepContext&, const plan::ForgetDomain&, const StepNote&);
Result<bool> is_done(StepContext&, const plan::RecordGuest&, const StepNote&);
Result<bool> is_done(StepContext&, const plan::RecordSnapshot&, const StepNote&);
Result<bool> is_done(StepContext&, const plan::RecordRevert&, const StepNote&);
Result<bool> is_done(StepContext&, const plan::RecordDelete&, const StepNote&);
/// Unknown, and safe to call not done: applying it again, or undoing it, is right either way.
template <class S>
Result<bool> is_done(StepContext&, const S&, const StepNote&) { return false; }

// ---- helpers shared by the families ----
/// The note of a step that finds the guest running, or not.
Result<StepNote> note_running(StepContext& context, const model::GuestRef& guest);
/// Lets the guest run if it is there; one that died meanwhile can neither run nor stand still.
Result<void> run_again(StepContext& context, const model::GuestRef& guest);
/// Whether the process still exists, running or not.
Result<bool> guest_alive(StepContext& context, const model::GuestRef& guest);
/// exists, when something is at `path` already.
Result<void> refuse_taken(StepContext& context, const std::string& path);

}  // namespace stasis::engine
