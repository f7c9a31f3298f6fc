// Looking at domains: list, dominfo, domstate, domblklist, dumpxml. None of them waits for another command.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/tables.h"

namespace stasis::cli {

namespace {

std::string id_of(const DomainSummary& domain) { return domain.process_id ? std::to_string(*domain.process_id) : "-"; }

// ---- list ----

struct ListWords {
    bool all = false;
    bool inactive = false;
    bool name = false;
    bool uuid = false;
};

bool shows(const ListWords& words, const DomainSummary& domain) {
    const bool active = domain.state == DomainState::running || domain.state == DomainState::paused;
    return words.all || active != words.inactive;
}

std::string list_text(const std::vector<DomainSummary>& domains, const ListWords& words, bool quiet) {
    if (words.name || words.uuid) {
        std::string text;
        for (const auto& domain : domains) {
            if (words.uuid) text += domain.uuid.str() + (words.name ? " " : "\n");
            if (words.name) text += domain.name.str() + '\n';
        }
        return text;
    }
    Table table({"Id", "Name", "State"});
    for (const auto& domain : domains) table.add({id_of(domain), domain.name.str(), std::string(to_string(domain.state))});
    return table.render(quiet);
}

void show_list(std::vector<DomainSummary>& domains, const ListWords& words, Reporter& reporter) {
    std::erase_if(domains, [&](const DomainSummary& domain) { return !shows(words, domain); });
    if (!reporter.json()) return reporter.data(list_text(domains, words, reporter.quiet()));
    Json list = Json::array();
    for (const auto& domain : domains) list.push_back(json_of(domain));
    reporter.document({{"domains", list}});
}

Run declare_list(Options& options) {
    auto words = std::make_shared<ListWords>();
    options.flag("--all", words->all, "Those shut off too");
    options.flag("--inactive", words->inactive, "Only those shut off");
    options.flag("--name", words->name, "Names only, one a line");
    options.flag("--uuid", words->uuid, "Uuids only, one a line");
    options.at_most_one({"--all", "--inactive"});
    return [words](Context& context) {
        return context.read(
            "", [](Host& host) { return host.list(); },
            [&](std::vector<DomainSummary>& domains, Reporter& reporter) { show_list(domains, *words, reporter); });
    };
}

// ---- one domain ----

using ShowInfo = void (*)(const DomainInfo&, Reporter&);

Run declare_info(Options& options, ShowInfo show) {
    auto domain = std::make_shared<std::string>();
    options.domain(*domain);
    return [domain, show](Context& context) {
        return context.read(*domain, [&](Host& host) { return host.domain_info(*domain); }, show);
    };
}

void show_dominfo(const DomainInfo& info, Reporter& reporter) {
    if (reporter.json()) return reporter.document(json_of(info));
    std::vector<std::pair<std::string, std::string>> pairs{{"Id", id_of(info.summary)},
                                                           {"Name", info.summary.name.str()},
                                                           {"UUID", info.summary.uuid.str()}};
    if (!info.title.empty()) pairs.emplace_back("Title", info.title);
    if (!info.description.empty()) pairs.emplace_back("Description", info.description);
    pairs.emplace_back("OS Type", info.os_type);
    pairs.emplace_back("State", to_string(info.summary.state));
    pairs.emplace_back("CPU(s)", std::to_string(info.vcpus));
    pairs.emplace_back("Max memory", fmt::format("{} KiB", info.memory.value >> 10));
    pairs.emplace_back("Machine", info.machine);
    pairs.emplace_back("Accelerator", info.accelerator.empty() ? "-" : info.accelerator);
    pairs.emplace_back("Disks", std::to_string(info.disks.size()));
    pairs.emplace_back("Snapshots", std::to_string(info.snapshots));
    pairs.emplace_back("Current", info.current_snapshot ? info.current_snapshot->str() : "-");
    pairs.emplace_back("Left behind", std::to_string(info.left_behind_layers));
    reporter.data(render_record(pairs) + (reporter.quiet() ? "" : "\n"));
}

void show_domstate(const DomainInfo& info, Reporter& reporter) {
    if (reporter.json()) return reporter.document(json_of(info.summary));
    reporter.data(std::string(to_string(info.summary.state)) + '\n');
}

// ---- domblklist ----

std::string type_of(const DiskSummary& disk) {
    std::error_code ignored;
    if (disk.source.empty()) return "-";
    return std::filesystem::is_block_file(disk.source, ignored) ? "block" : "file";
}

void show_disks(const DomainInfo& info, bool details, Reporter& reporter) {
    if (reporter.json()) {
        Json list = Json::array();
        for (const auto& disk : info.disks) list.push_back(json_of(disk));
        return reporter.document({{"domain", info.summary.name.str()}, {"disks", list}});
    }
    // The first columns are virsh's, so that scripts find them where they were.
    Table table(details ? std::vector<std::string>{"Type", "Device", "Target", "Source", "Format", "Bus", "Access", "Depth"}
                        : std::vector<std::string>{"Target", "Source"});
    for (const auto& disk : info.disks) {
        const std::string source = disk.source.empty() ? "-" : disk.source;
        if (details)
            table.add({type_of(disk), disk.device, disk.target.str(), source, disk.format, disk.bus, disk.read_only ? "ro" : "rw",
                       std::to_string(disk.depth)});
        else
            table.add({disk.target.str(), source});
    }
    reporter.data(table.render(reporter.quiet()));
}

struct DisksWords {
    std::string domain;
    bool details = false;
};

Run declare_domblklist(Options& options) {
    auto words = std::make_shared<DisksWords>();
    options.domain(words->domain);
    options.flag("--details", words->details, "Kind, format, bus, access and length of the image chain too");
    return [words](Context& context) {
        return context.read(
            words->domain, [&](Host& host) { return host.domain_info(words->domain); },
            [&](const DomainInfo& info, Reporter& reporter) { show_disks(info, words->details, reporter); });
    };
}

Run declare_dominfo(Options& options) { return declare_info(options, show_dominfo); }
Run declare_domstate(Options& options) { return declare_info(options, show_domstate); }

Run declare_dumpxml(Options& options) {
    auto domain = std::make_shared<std::string>();
    options.domain(*domain);
    return [domain](Context& context) {
        return context.read(
            *domain, [&](Host& host) { return host.dump_xml(*domain); },
            [&](const std::string& xml, Reporter& reporter) {
                if (reporter.json()) return reporter.document({{"domain", *domain}, {"xml", xml}});
                reporter.raw(xml);
            });
    };
}

constexpr Command kCommands[] = {
    {"list", "List domains", "  stasis list --all", false, declare_list},
    {"dominfo", "Show what is known of a domain", "  stasis dominfo web", false, declare_dominfo},
    {"domstate", "Show whether a domain runs", "  stasis domstate web", false, declare_domstate},
    {"domblklist", "List a domain's disks", "  stasis domblklist web --details", false, declare_domblklist},
    {"dumpxml", "Print a domain's definition as libvirt's XML", "  stasis dumpxml web > web.xml", false, declare_dumpxml},
};

}  // namespace

std::span<const Command> inspect_commands() { return kCommands; }

}  // namespace stasis::cli
