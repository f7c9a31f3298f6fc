// snapshot-delete.
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/outcome.h"

namespace stasis::cli {

namespace {

struct Words {
    std::string domain;
    std::string snapshot;
    bool children = false;
};

Result<void> snapshot_delete(Context& context, const Words& words) {
    auto name = SnapshotName::parse(words.snapshot);
    if (!name) return std::unexpected(std::move(name).error());
    const SnapshotDeleteOptions options{*std::move(name), words.children};
    return context.change(
        words.domain, [&](Host& host, const RunMode& mode) { return host.snapshot_delete(words.domain, options, mode); },
        [](const std::vector<SnapshotName>& deleted, Outcome& outcome) {
            for (const auto& one : deleted) outcome.say(fmt::format("Domain snapshot {} deleted", one.str()));
            outcome.set_fields({{"deleted", json_of(deleted)}});
        });
}

Run declare_snapshot_delete(Options& options) {
    auto words = std::make_shared<Words>();
    options.domain(words->domain);
    options.snapshot(words->snapshot);
    options.flag("--children", words->children, "This one and all below it");
    return [words](Context& context) { return snapshot_delete(context, *words); };
}

constexpr Command kCommands[] = {
    {"snapshot-delete", "Delete a snapshot; the domain stays as it is now",
     "  stasis snapshot-delete web before-upgrade\n  stasis snapshot-delete web before-upgrade --children", true,
     declare_snapshot_delete},
};

}  // namespace

std::span<const Command> snapshot_delete_commands() { return kCommands; }

}  // namespace stasis::cli
