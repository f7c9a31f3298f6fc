#include "engine/executor.h"

#include <utility>

#include "engine/operation.h"

namespace stasis::engine {
namespace {

class Executor final : public Runner {
public:
    explicit Executor(EngineParts parts) : parts_(std::move(parts)) {}

    Result<Outcome> run(const plan::Plan& plan, const RunMode& mode) override {
        Operation operation(parts_, plan, mode);
        if (auto begun = operation.begin(); !begun) return fail_because(std::move(begun).error(), plan.title, {});
        STASIS_CHECK(operation.run());
        return operation.outcome();
    }

private:
    EngineParts parts_;
};

class Explainer final : public Runner {
public:
    Result<Outcome> run(const plan::Plan&, const RunMode&) override { return Outcome{}; }
};

}  // namespace

std::unique_ptr<Runner> make_executor(EngineParts parts) { return std::make_unique<Executor>(std::move(parts)); }
std::unique_ptr<Runner> make_explainer() { return std::make_unique<Explainer>(); }

}  // namespace stasis::engine
