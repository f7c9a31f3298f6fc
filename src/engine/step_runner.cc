#include "engine/step_runner.h"

#include <variant>

namespace stasis::engine {

Result<StepNote> look_before(StepContext& context, const plan::Step& step) {
    return std::visit([&](const auto& alternative) { return before(context, alternative); }, step);
}

Result<void> apply_step(StepContext& context, const plan::Step& step, StepNote& note) {
    return std::visit([&](const auto& alternative) { return apply(context, alternative, note); }, step);
}

Result<void> undo_step(StepContext& context, const plan::Step& step, const StepNote& note) {
    return std::visit([&](const auto& alternative) { return undo(context, alternative, note); }, step);
}

Result<bool> step_is_done(StepContext& context, const plan::Step& step, const StepNote& note) {
    return std::visit([&](const auto& alternative) { return is_done(context, alternative, note); }, step);
}

bool is_final(const plan::Step& step) {
    return std::visit([]<class S>(const S&) { return Final<S>; }, step);
}

}  // namespace stasis::engine
