#include "engine/operation.h"

#include <algorithm>
#include <utility>

#include "engine/step_runner.h"
#include "plan/journal_text.h"

namespace stasis::engine {

using catalog::StepState;

Operation::Operation(EngineParts& parts, const plan::Plan& plan, const RunMode& mode)
    : parts_(parts),
      plan_(plan),
      context_{.parts = parts, .plan = plan, .progress = mode.progress, .cancel = mode.cancel},
      cancel_(mode.cancel),
      notes_(plan.steps.size()) {}

Result<void> Operation::begin() {
    for (std::size_t i = 0; i < std::min(plan_.commit_from, plan_.steps.size()); ++i)
        if (is_final(plan_.steps[i]))
            return fail(ErrorKind::failed, plan_.title, {},
                        "step '" + plan::describe(plan_.steps[i]) + "' cannot be undone and stands before the commit point",
                        "report this error");
    STASIS_TRY(id_, parts_.catalog.begin_operation(plan_.domain, plan_.operation, plan::to_journal_text(plan_), parts_.now()));
    return {};
}

Result<void> Operation::adopt(const catalog::JournalEntry& entry) {
    id_ = entry.id;
    marks_ = entry.marks;
    context_.recovering = true;
    for (const catalog::JournalEntry::Mark& mark : marks_) {
        if (mark.step >= notes_.size())
            return fail(ErrorKind::corrupt, "recover", {}, "a mark names a step that the plan does not have");
        STASIS_TRY(notes_[mark.step], step_note_from(mark.outcome));
        absorb(context_.outcome, notes_[mark.step]);
    }
    return {};
}

// ---- forward ----

Result<void> Operation::run() {
    auto ran = run_from(0);
    if (!ran) return give_up({at_, reached_, std::move(ran).error()});
    if (auto ended = finish("finished"); !ended)
        return fail_because(std::move(ended).error(), plan_.title, {}, "it is done; the next command on this domain closes its journal entry");
    return {};
}

Result<void> Operation::run_from(std::size_t first) {
    for (at_ = first; at_ < plan_.steps.size(); ++at_) {
        STASIS_CHECK(run_step(at_));
        context_.again = false;
    }
    return {};
}

Result<void> Operation::run_step(std::size_t index) {
    reached_ = context_.again ? Reached::effect : Reached::nothing;
    if (!context_.again) {
        STASIS_CHECK(check_cancelled(index));
        STASIS_TRY(notes_[index], look_before(context_, plan_.steps[index]));
        STASIS_CHECK(intend(index));
    }
    reached_ = Reached::effect;
    context_.keep = [this, index](const StepNote& note) {
        return parts_.catalog.mark_step(id_, index, StepState::intended, to_text(note));
    };
    STASIS_CHECK(apply_step(context_, plan_.steps[index], notes_[index]));
    absorb(context_.outcome, notes_[index]);
    waiting_.push_back({index, StepState::done, to_text(notes_[index])});
    return {};
}

/// The mark of the step before goes along: one transaction, one sync.
Result<void> Operation::intend(std::size_t index) {
    reached_ = Reached::intent;
    waiting_.push_back({index, StepState::intended, to_text(notes_[index])});
    return flush();
}

Result<void> Operation::flush() {
    if (waiting_.empty()) return {};
    auto written = parts_.catalog.mark_steps(id_, waiting_);
    waiting_.clear();
    return written;
}

Result<void> Operation::check_cancelled(std::size_t index) const {
    const bool committed = index > plan_.commit_from;
    if (committed || context_.recovering || !cancel_ || !cancel_->cancelled()) return {};
    return fail(ErrorKind::interrupted, plan_.title, {}, "it was cancelled");
}

Result<void> Operation::finish(const std::string& outcome) {
    return parts_.catalog.end_operation(id_, outcome, parts_.now());
}

// ---- when a step fails ----

std::unexpected<Error> Operation::give_up(Failure failure) {
    context_.cancel = nullptr;
    if (!undoable(failure)) {
        (void)flush();  // what was measured so far; without it recovery asks and applies again
        return fail_because(std::move(failure.error), plan_.title, {}, "the next command on this domain finishes it");
    }
    waiting_.clear();
    const std::size_t end = failure.step + (failure.reached == Reached::nothing ? 0 : 1);
    if (auto undone = undo_below(std::min(end, plan_.steps.size())); !undone) {
        auto error = fail_because(std::move(failure.error), plan_.title, {}, "the next command on this domain undoes the rest");
        error.error().why = "undoing it failed too (" + undone.error().render() + ")";
        return error;
    }
    return fail_because(std::move(failure.error), plan_.title, {});
}

bool Operation::undoable(const Failure& failure) {
    if (failure.step != plan_.commit_from) return failure.step < plan_.commit_from;
    if (failure.reached == Reached::nothing) return true;  // not even its intent is written
    return withdraw_commit().value_or(false);
}

/// Recovery must not take the intent of the commit step for more than it was, so its withdrawal is durable before the
/// first step below it is undone.
Result<bool> Operation::withdraw_commit() {
    const std::size_t index = plan_.commit_from;
    STASIS_TRY(const bool done, step_is_done(context_, plan_.steps[index], notes_[index]));
    if (done) return false;
    STASIS_CHECK(undo_step(context_, plan_.steps[index], notes_[index]));
    STASIS_CHECK(parts_.catalog.mark_step(id_, index, StepState::undone, {}));
    return true;
}

Result<void> Operation::undo_below(std::size_t end) {
    for (std::size_t i = end; i-- > 0;) {
        const bool undone = std::ranges::any_of(marks_, [&](const auto& mark) {
            return mark.step == i && mark.state == StepState::undone;
        });
        if (undone || (i == plan_.commit_from)) continue;  // the commit step was withdrawn
        STASIS_CHECK(undo_step(context_, plan_.steps[i], notes_[i]));
        // Undoing is idempotent: a mark that cannot be written, say on a full disk, must not stop it.
        (void)parts_.catalog.mark_step(id_, i, StepState::undone, {});
    }
    return finish("undone");
}

// ---- recovery ----

Result<std::string> Operation::settle() {
    const auto undone = [](const auto& mark) { return mark.state == StepState::undone; };
    const auto furthest = std::ranges::find_if_not(marks_.rbegin(), marks_.rend(), undone);
    const bool none = furthest == marks_.rend();
    // An undo that had begun goes on; a commit step that was only intended is asked.
    bool forward = !none && std::ranges::none_of(marks_, undone) && furthest->step >= plan_.commit_from;
    if (forward && furthest->step == plan_.commit_from && furthest->state == StepState::intended) {
        STASIS_TRY(const bool withdrawn, withdraw_commit());
        forward = !withdrawn;
    }
    if (!forward) {
        STASIS_CHECK(undo_below(none ? 0 : furthest->step + 1));
        return "undone";
    }
    context_.again = furthest->state == StepState::intended;
    auto ran = run_from(furthest->step + (context_.again ? 0 : 1));
    if (!ran) {
        (void)flush();
        return std::unexpected(std::move(ran).error());
    }
    STASIS_CHECK(finish("finished"));
    return "finished";
}

}  // namespace stasis::engine
