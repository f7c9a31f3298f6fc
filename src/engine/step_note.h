// What the journal keeps of one step beside its state: what was there before it, and what it measured. Recovery undoes
// and finishes with these. A plain value; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/executor.h"

namespace stasis::engine {

struct StepNote {
    bool existed = false;      ///< what the step makes was there before it: undo leaves it alone
    bool was_running = false;  ///< the guest ran before the step
    bool switched = false;     ///< MergeDown: the base has become active, the layers above it are stale
    std::string previous;      ///< RecordDomain: the definition that was recorded before
    std::optional<port::CaptureReport> capture;
    std::optional<model::GuestProcess> process;
    std::optional<UnixMicros> resumed_at;
    std::uint64_t restored_guest_bytes = 0;
};

/// JSON; empty for a note that says nothing.
[[nodiscard]] std::string to_text(const StepNote& note);
/// corrupt: not as written by to_text().
Result<StepNote> step_note_from(std::string_view text);

/// Adds what the note measured.
void absorb(Outcome& outcome, const StepNote& note);

}  // namespace stasis::engine
