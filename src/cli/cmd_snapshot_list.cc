// Looking at snapshots: snapshot-list, -info, -dumpxml, -current, -parent.
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/printable.h"
#include "cli/tables.h"

namespace stasis::cli {

namespace {

struct ListWords {
    std::string domain;
    std::string from;
    SnapshotListOptions options;
    bool tree = false;
    bool details = false;
    bool name = false;
    bool parent = false;
};

std::string parent_of(const SnapshotInfo& snapshot) { return snapshot.parent ? snapshot.parent->str() : ""; }

std::string memory_of(const SnapshotInfo& snapshot) {
    return snapshot.memory_method == MemoryMethod::none ? "-" : format_bytes(snapshot.memory_bytes);
}

// "vda=external vdb=internal"
std::string disks_of(const SnapshotInfo& snapshot) {
    std::string text;
    for (const auto& disk : snapshot.disks)
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", disk.target.str(), to_string(disk.mode));
    return text.empty() ? "-" : text;
}

std::vector<std::string> headings_of(const ListWords& words) {
    std::vector<std::string> headings{"Name", "Creation Time", "State"};
    if (words.parent || words.details) headings.emplace_back("Parent");
    if (words.details) headings.insert(headings.end(), {"Current", "Memory", "Disks"});
    return headings;
}

std::vector<std::string> cells_of(const SnapshotInfo& snapshot, const ListWords& words) {
    std::vector<std::string> cells{snapshot.name.str(), format_local_time(snapshot.created.value),
                                   std::string(to_string(snapshot.state))};
    if (words.parent || words.details) cells.push_back(parent_of(snapshot));
    if (words.details) cells.insert(cells.end(), {snapshot.current ? "yes" : "no", memory_of(snapshot), disks_of(snapshot)});
    return cells;
}

std::string list_text(const std::vector<SnapshotInfo>& snapshots, const ListWords& words, bool quiet) {
    std::string text;
    if (words.name) {
        for (const auto& snapshot : snapshots) text += snapshot.name.str() + '\n';
        return text;
    }
    if (words.tree) {
        std::vector<TreeNode> nodes;
        if (words.options.from) nodes.push_back({words.options.from->str(), ""});
        for (const auto& snapshot : snapshots) nodes.push_back({snapshot.name.str(), parent_of(snapshot)});
        return render_tree(nodes);
    }
    Table table(headings_of(words));
    for (const auto& snapshot : snapshots) table.add(cells_of(snapshot, words));
    return table.render(quiet);
}

void show_list(const std::vector<SnapshotInfo>& snapshots, const ListWords& words, Reporter& reporter) {
    if (!reporter.json()) return reporter.data(list_text(snapshots, words, reporter.quiet()));
    Json list = Json::array();
    for (const auto& snapshot : snapshots) list.push_back(json_of(snapshot));
    reporter.document({{"domain", words.domain}, {"snapshots", list}});
}

Result<void> snapshot_list(Context& context, ListWords words) {
    if (!words.from.empty()) {
        auto from = SnapshotName::parse(words.from);
        if (!from) return std::unexpected(std::move(from).error());
        words.options.from = *std::move(from);
        if (words.tree) words.options.descendants = true;
    }
    return context.read(
        words.domain, [&](Host& host) { return host.snapshot_list(words.domain, words.options); },
        [&](const std::vector<SnapshotInfo>& snapshots, Reporter& reporter) { show_list(snapshots, words, reporter); });
}

void declare_which(Options& options, ListWords& words) {
    options.flag("--roots", words.options.roots, "Only those without a parent");
    options.flag("--leaves", words.options.leaves, "Only those without children");
    options.text("--from", words.from, "SNAPSHOT", "Only the children of this one");
    options.flag("--descendants", words.options.descendants, "With --from: all below it");
    options.needs("--descendants", "--from");
    options.at_most_one({"--roots", "--from"});
}

Run declare_snapshot_list(Options& options) {
    auto words = std::make_shared<ListWords>();
    options.domain(words->domain);
    options.flag("--tree", words->tree, "As a tree");
    options.flag("-l,--long", words->details, "Parent, current, memory and disks too");
    options.flag("--name", words->name, "Names only, one a line");
    options.flag("--parent", words->parent, "The parent's name too");
    options.flag("--topological", words->options.topological, "Parents before their children; otherwise by name");
    declare_which(options, *words);
    options.at_most_one({"--tree", "--long", "--name", "--parent"});
    options.at_most_one({"--tree", "--roots"});
    options.at_most_one({"--tree", "--leaves"});
    return [words](Context& context) { return snapshot_list(context, *words); };
}

// ---- one snapshot ----

struct OneWords {
    std::string domain;
    std::string snapshot;
};

// Finds it, and shows what `act` returns.
template <class Act, class Show>
Run declare_one(Options& options, Act act, Show show) {
    auto words = std::make_shared<OneWords>();
    options.domain(words->domain);
    options.snapshot(words->snapshot);
    return [words, act, show](Context& context) -> Result<void> {
        auto name = SnapshotName::parse(words->snapshot);
        if (!name) return std::unexpected(std::move(name).error());
        return context.read(words->domain, [&](Host& host) { return act(host, words->domain, *name); }, show);
    };
}

Result<SnapshotInfo> find(Host& host, const std::string& domain, const SnapshotName& name) {
    return host.snapshot_info(domain, name);
}

std::vector<std::pair<std::string, std::string>> record_of(const SnapshotInfo& snapshot) {
    std::vector<std::pair<std::string, std::string>> pairs{{"Name", snapshot.name.str()},
                                                           {"Domain", snapshot.domain.str()},
                                                           {"Current", snapshot.current ? "yes" : "no"},
                                                           {"State", std::string(to_string(snapshot.state))},
                                                           {"Created", format_local_time(snapshot.created.value)},
                                                           {"Parent", snapshot.parent ? snapshot.parent->str() : "-"},
                                                           {"Children", std::to_string(snapshot.children.size())},
                                                           {"Descendants", std::to_string(snapshot.descendants)}};
    if (!snapshot.description.empty()) pairs.emplace_back("Description", snapshot.description);
    pairs.emplace_back("Machine", snapshot.machine);
    pairs.emplace_back("Hypervisor", snapshot.hypervisor_version);
    pairs.emplace_back("Pause", snapshot.pause_us ? format_duration(*snapshot.pause_us) : "-");
    if (snapshot.memory_method == MemoryMethod::none)
        pairs.emplace_back("Memory", "-");
    else
        pairs.emplace_back("Memory", fmt::format("{} ({}) {}", memory_of(snapshot), to_string(snapshot.memory_method),
                                                 snapshot.memory_file));
    for (const auto& disk : snapshot.disks)
        pairs.emplace_back("Disk", fmt::format("{} {} {}", disk.target.str(), to_string(disk.mode), disk.image));
    return pairs;
}

void show_info(const SnapshotInfo& snapshot, Reporter& reporter) {
    if (reporter.json()) return reporter.document(json_of(snapshot));
    reporter.data(render_record(record_of(snapshot)) + (reporter.quiet() ? "" : "\n"));
}

Run declare_snapshot_info(Options& options) { return declare_one(options, find, show_info); }

void show_xml(const std::string& xml, Reporter& reporter) {
    if (reporter.json()) return reporter.document({{"xml", xml}});
    reporter.raw(xml);
}

Run declare_snapshot_dumpxml(Options& options) {
    return declare_one(
        options,
        [](Host& host, const std::string& domain, const SnapshotName& name) { return host.snapshot_dump_xml(domain, name); },
        show_xml);
}

Result<SnapshotInfo> find_parent(Host& host, const std::string& domain, const SnapshotName& name) {
    auto snapshot = host.snapshot_info(domain, name);
    if (!snapshot) return snapshot;
    if (!snapshot->parent)
        return refuse(ErrorKind::not_found, "find the parent of snapshot '" + name.str() + "'", "domain '" + domain + "'",
                      "it has none");
    return host.snapshot_info(domain, *snapshot->parent);
}

void show_name(const SnapshotInfo& snapshot, Reporter& reporter) {
    if (reporter.json()) return reporter.document(json_of(snapshot));
    reporter.data(snapshot.name.str() + '\n');
}

Run declare_snapshot_parent(Options& options) { return declare_one(options, find_parent, show_name); }

// ---- snapshot-current ----

struct CurrentWords {
    std::string domain;
    bool name = false;
};

struct Current {
    SnapshotInfo info;
    std::string xml;
};

Result<Current> current_of(Host& host, const std::string& domain, bool with_xml) {
    auto found = host.snapshot_current(domain);
    if (!found) return std::unexpected(std::move(found).error());
    if (!*found)
        return refuse(ErrorKind::not_found, "find the current snapshot", "domain '" + domain + "'", "it has none",
                      "take one with 'stasis snapshot-create'");
    Current current{**found, {}};
    if (!with_xml) return current;
    auto xml = host.snapshot_dump_xml(domain, current.info.name);
    if (!xml) return std::unexpected(std::move(xml).error());
    current.xml = *std::move(xml);
    return current;
}

Run declare_snapshot_current(Options& options) {
    auto words = std::make_shared<CurrentWords>();
    options.domain(words->domain);
    options.flag("--name", words->name, "Its name instead of its XML");
    return [words](Context& context) {
        const bool with_xml = !words->name && !context.reporter().json();
        return context.read(
            words->domain, [&](Host& host) { return current_of(host, words->domain, with_xml); },
            [&](const Current& current, Reporter& reporter) {
                if (with_xml) return reporter.raw(current.xml);
                show_name(current.info, reporter);
            });
    };
}

constexpr Command kCommands[] = {
    {"snapshot-list", "List a domain's snapshots", "  stasis snapshot-list web --tree\n  stasis snapshot-list web -l", false,
     declare_snapshot_list},
    {"snapshot-info", "Show what is known of a snapshot", "  stasis snapshot-info web before-upgrade", false, declare_snapshot_info},
    {"snapshot-dumpxml", "Print a snapshot as libvirt's XML", "  stasis snapshot-dumpxml web before-upgrade", false,
     declare_snapshot_dumpxml},
    {"snapshot-current", "Show the snapshot that the domain's present state grew from", "  stasis snapshot-current web --name",
     false, declare_snapshot_current},
    {"snapshot-parent", "Show the name of a snapshot's parent", "  stasis snapshot-parent web before-upgrade", false,
     declare_snapshot_parent},
};

}  // namespace

std::span<const Command> snapshot_list_commands() { return kCommands; }

}  // namespace stasis::cli
