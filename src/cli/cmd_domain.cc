// The life of a domain: start, shutdown, destroy, suspend, resume.
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/outcome.h"

namespace stasis::cli {

namespace {

using Simple = Result<Done<Nothing>> (Host::*)(const std::string&, const RunMode&);

// The verbs that need a domain and nothing else.
Run declare_simple(Options& options, Simple verb, const char* participle) {
    auto domain = std::make_shared<std::string>();
    options.domain(*domain);
    return [domain, verb, participle](Context& context) {
        return context.change(
            *domain, [&](Host& host, const RunMode& mode) { return (host.*verb)(*domain, mode); },
            [&](const Nothing&, Outcome& outcome) { outcome.say(fmt::format("Domain '{}' {}", *domain, participle)); });
    };
}

Run declare_destroy(Options& options) { return declare_simple(options, &Host::destroy, "destroyed"); }
Run declare_suspend(Options& options) { return declare_simple(options, &Host::suspend, "suspended"); }
Run declare_resume(Options& options) { return declare_simple(options, &Host::resume, "resumed"); }

struct StartWords {
    std::string domain;
    bool paused = false;
};

Result<void> start(Context& context, const StartWords& words) {
    return context.change(
        words.domain, [&](Host& host, const RunMode& mode) { return host.start(words.domain, words.paused, mode); },
        [&](const DomainSummary& domain, Outcome& outcome) {
            outcome.say(fmt::format("Domain '{}' started", domain.name.str()));
            Json fields = json_of(domain);
            fields.erase("name");  // "domain" has it
            outcome.set_fields(fields);
        });
}

Run declare_start(Options& options) {
    auto words = std::make_shared<StartWords>();
    options.domain(words->domain);
    options.flag("--paused", words->paused, "Leave the virtual CPUs stopped; 'resume' sets them going");
    return [words](Context& context) { return start(context, *words); };
}

struct ShutdownWords {
    std::string domain;
    std::optional<std::uint64_t> wait_s;
};

Result<void> shutdown(Context& context, const ShutdownWords& words) {
    const std::chrono::seconds wait(words.wait_s.value_or(0));
    return context.change(
        words.domain, [&](Host& host, const RunMode& mode) { return host.shutdown(words.domain, wait, mode); },
        [&](const Nothing&, Outcome& outcome) {
            const char* state = wait.count() > 0 ? "is shut off" : "is being shutdown";
            outcome.say(fmt::format("Domain '{}' {}", words.domain, state));
        });
}

Run declare_shutdown(Options& options) {
    auto words = std::make_shared<ShutdownWords>();
    options.domain(words->domain);
    options.number("--wait", words->wait_s, kWaitSecondsMax, "SECONDS", "Wait so long for the guest to power off");
    return [words](Context& context) { return shutdown(context, *words); };
}

constexpr Command kCommands[] = {
    {"start", "Start a domain", "  stasis start web\n  stasis start web --paused", true, declare_start},
    {"shutdown", "Ask the guest to power off", "  stasis shutdown web --wait 60", true, declare_shutdown},
    {"destroy", "Stop a domain at once, as if its plug were pulled", "  stasis destroy web", true, declare_destroy},
    {"suspend", "Stop the virtual CPUs of a running domain", "  stasis suspend web", true, declare_suspend},
    {"resume", "Let a suspended domain run on", "  stasis resume web", true, declare_resume},
};

}  // namespace

std::span<const Command> domain_commands() { return kCommands; }

}  // namespace stasis::cli
