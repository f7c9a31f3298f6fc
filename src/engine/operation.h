// One plan with its journal entry: the machine that the executor starts afresh and recovery starts from what the
// journal holds. Invariants: a step's intent is durable before its effect; a step is undone only after every later one
// is; once the commit step has taken effect nothing is undone. Internal to this room; one thread.
#pragma once

#include <string>
#include <vector>

#include "engine/steps.h"

namespace stasis::engine {

class Operation {
public:
    Operation(EngineParts& parts, const plan::Plan& plan, const RunMode& mode);

    /// Writes the journal entry.
    Result<void> begin();
    /// Takes over an open entry: corrupt when it does not fit the plan.
    Result<void> adopt(const catalog::JournalEntry& entry);

    /// Runs all steps and ends the entry. On error the plan is undone, or the entry stays open; the error says which.
    Result<void> run();
    /// Finishes or undoes an adopted entry, whichever its marks call for: "finished" or "undone".
    Result<std::string> settle();

    [[nodiscard]] Outcome& outcome() { return context_.outcome; }

private:
    /// How far a step had come when it failed.
    enum class Reached { nothing, intent, effect };
    struct Failure {
        std::size_t step = 0;
        Reached reached = Reached::nothing;
        Error error;
    };

    Result<void> run_from(std::size_t first);             ///< to the end of the plan; fills failure_ on error
    Result<void> run_step(std::size_t index);
    Result<void> intend(std::size_t index);
    Result<void> check_cancelled(std::size_t index) const;
    [[nodiscard]] Result<bool> withdraw_commit();         ///< whether the commit step has not happened, made durable
    [[nodiscard]] bool undoable(const Failure& failure);  ///< and, for the commit step, now withdrawn
    std::unexpected<Error> give_up(Failure failure);      ///< undoes or leaves open; the error for the caller
    Result<void> undo_below(std::size_t end);             ///< steps [0, end), last first, then ends the entry
    Result<void> finish(const std::string& outcome);
    Result<void> flush();                                 ///< writes marks that wait for the next intent

    EngineParts& parts_;
    const plan::Plan& plan_;
    StepContext context_;
    std::int64_t id_ = 0;
    const CancelToken* cancel_ = nullptr;
    std::vector<StepNote> notes_;
    std::vector<catalog::JournalEntry::Mark> marks_;      ///< by step, as far as recorded by an earlier run
    std::vector<catalog::JournalEntry::Mark> waiting_;    ///< done marks that go out with the next intent
    Reached reached_ = Reached::nothing;                  ///< of the step that runs
    std::size_t at_ = 0;                                  ///< the step that runs
};

}  // namespace stasis::engine
