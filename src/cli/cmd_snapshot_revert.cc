// snapshot-revert.
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/outcome.h"
#include "cli/printable.h"

namespace stasis::cli {

namespace {

struct Words {
    std::string domain;
    std::string snapshot;
    bool running = false;
    bool paused = false;
    bool force = false;
};

// "guest runs again after 130 ms, complete after 1.24 s"
std::string measured(const SnapshotReverted& reverted) {
    std::string line = reverted.resume_us ? fmt::format("guest runs again after {}, ", format_duration(*reverted.resume_us))
                                          : fmt::format("guest is {}, ", to_string(reverted.state));
    return line + fmt::format("complete after {}", format_duration(reverted.complete_us));
}

void tell(const SnapshotReverted& reverted, const std::string& domain, Outcome& outcome) {
    outcome.say(fmt::format("Domain '{}' reverted to snapshot {}", domain, reverted.name.str()));
    outcome.say(measured(reverted));
    for (const auto& path : reverted.left_behind) outcome.say("left behind: " + path);
    outcome.set_fields(json_of(reverted));
}

Result<void> snapshot_revert(Context& context, const Words& words) {
    auto name = SnapshotName::parse(words.snapshot);
    if (!name) return std::unexpected(std::move(name).error());
    SnapshotRevertOptions options{*std::move(name), std::nullopt, words.force};
    if (words.running) options.wanted = DomainState::running;
    if (words.paused) options.wanted = DomainState::paused;
    return context.change(
        words.domain, [&](Host& host, const RunMode& mode) { return host.snapshot_revert(words.domain, options, mode); },
        [&](const SnapshotReverted& reverted, Outcome& outcome) { tell(reverted, words.domain, outcome); });
}

Run declare_snapshot_revert(Options& options) {
    auto words = std::make_shared<Words>();
    options.domain(words->domain);
    options.snapshot(words->snapshot);
    options.flag("--running", words->running, "Let the guest run, whatever it did when the snapshot was taken");
    options.flag("--paused", words->paused, "Leave the guest paused");
    options.flag("--force", words->force, "Accept what the error calls risky");
    options.at_most_one({"--running", "--paused"});
    return [words](Context& context) { return snapshot_revert(context, *words); };
}

constexpr Command kCommands[] = {
    {"snapshot-revert", "Put memory and disks back to a snapshot's instant",
     "  stasis snapshot-revert web before-upgrade\n  stasis snapshot-revert web before-upgrade --paused", true,
     declare_snapshot_revert},
};

}  // namespace

std::span<const Command> snapshot_revert_commands() { return kCommands; }

}  // namespace stasis::cli
