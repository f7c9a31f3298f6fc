// What a command runs with: the library opened on first use, the options common to all, and the frame around every
// call: progress, cancelling, what was recovered, the plan, and then the result. Made by run(); one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <stasis/host.h>

#include "cli/environment.h"
#include "cli/globals.h"
#include "cli/reporter.h"

namespace stasis::cli {

class Outcome;  ///< outcome.h: what a changing command tells of its result

class Context {
public:
    Context(Environment& environment, const Globals& globals, Reporter& reporter, std::string command)
        : environment_(environment), globals_(globals), reporter_(reporter), command_(std::move(command)) {}

    [[nodiscard]] Environment& environment() { return environment_; }
    [[nodiscard]] const Globals& globals() const { return globals_; }
    [[nodiscard]] Reporter& reporter() { return reporter_; }
    [[nodiscard]] const std::string& command() const { return command_; }

    /// Calls `act(Host&)` and hands its value to `show(value, Reporter&)`.
    template <class Act, class Show>
    Result<void> read(const std::string& domain, Act act, Show show) {
        reporter_.keep_output_clean();
        auto host = open(domain);
        if (!host) return std::unexpected(std::move(host).error());
        auto value = act(**host);
        tell_recovered(**host);
        if (!value) return std::unexpected(std::move(value).error());
        show(*value, reporter_);
        return {};
    }

    /// Calls `act(Host&, const RunMode&)`, which returns a Result<Done<T>>, and hands its T, unless only explained, to
    /// `tell(const T&, Outcome&)`.
    template <class Act, class Tell>
    Result<void> change(const std::string& domain, Act act, Tell tell) {
        return change_any(domain, [&](Host& host, const RunMode& mode, Outcome& outcome) -> Result<PlanReport> {
            auto done = act(host, mode);
            if (!done) return std::unexpected(std::move(done).error());
            if (done->value) tell(*done->value, outcome);
            return std::move(done->plan);
        });
    }

    /// The same for work that reports its plan itself.
    using Change = std::function<Result<PlanReport>(Host&, const RunMode&, Outcome&)>;
    Result<void> change_any(const std::string& domain, const Change& change);

private:
    Result<std::unique_ptr<Host>> open(const std::string& domain);
    void tell_recovered(const Host& host);
    void report(const std::string& domain, const PlanReport& plan, const Outcome& outcome);

    Environment& environment_;
    const Globals& globals_;
    Reporter& reporter_;
    std::string command_;
};

/// A command's body: its options have been parsed.
using Run = std::function<Result<void>(Context&)>;

}  // namespace stasis::cli
