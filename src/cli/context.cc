#include "cli/context.h"

#include <nlohmann/json.hpp>

#include "cli/outcome.h"
#include "cli/progress.h"

namespace stasis::cli {

Result<std::unique_ptr<Host>> Context::open(const std::string& domain) {
    auto root = root_of(globals_, environment_);
    if (!root) return std::unexpected(std::move(root).error());
    OpenOptions options;
    options.uri = uri_of(globals_, environment_);
    options.root = *std::move(root);
    options.command = domain.empty() ? command_ : command_ + ' ' + domain;
    if (globals_.lock_wait_s) options.lock_wait = std::chrono::seconds(*globals_.lock_wait_s);
    return environment_.library.open(options);
}

void Context::tell_recovered(const Host& host) {
    for (const Recovered& recovered : host.recovered()) reporter_.recovered(recovered);
}

Result<void> Context::change_any(const std::string& domain, const Change& change) {
    auto host = open(domain);
    if (!host) return std::unexpected(std::move(host).error());
    ProgressView view(environment_, reporter_);
    const RunMode mode{globals_.dry_run, &view, &environment_.cancel};
    Outcome outcome;
    auto plan = change(**host, mode, outcome);
    view.clear();
    tell_recovered(**host);
    if (!plan) return std::unexpected(std::move(plan).error());
    report(domain, *plan, outcome);
    return {};
}

void Context::report(const std::string& domain, const PlanReport& plan, const Outcome& outcome) {
    if (reporter_.json()) {
        Json summary{{"message_type", "summary"}, {"operation", command_}, {"dry_run", globals_.dry_run}};
        summary["domain"] = domain.empty() ? Json(nullptr) : Json(domain);
        summary.update(outcome.fields());
        summary["plan"] = json_of(plan);
        reporter_.json_line(summary);
        return;
    }
    if (globals_.dry_run) {
        reporter_.plan(plan);
        return;
    }
    reporter_.steps(plan);
    for (const auto& note : plan.notes) reporter_.note(note);
    for (const auto& line : outcome.lines()) reporter_.say(line);
}

}  // namespace stasis::cli
