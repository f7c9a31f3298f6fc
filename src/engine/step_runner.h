// Picks, for a plan::Step of any kind, the functions of steps.h. Internal to this room; one thread.
#pragma once

#include "engine/steps.h"

namespace stasis::engine {

Result<StepNote> look_before(StepContext& context, const plan::Step& step);
Result<void> apply_step(StepContext& context, const plan::Step& step, StepNote& note);
Result<void> undo_step(StepContext& context, const plan::Step& step, const StepNote& note);
Result<bool> step_is_done(StepContext& context, const plan::Step& step, const StepNote& note);

/// Cannot be undone once done.
[[nodiscard]] bool is_final(const plan::Step& step);

}  // namespace stasis::engine
