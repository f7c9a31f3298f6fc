#include "host/snapshot_report.h"

#include <algorithm>
#include <map>

namespace stasis::host {
namespace {

/// How many snapshots lie below each.
std::map<SnapshotName, std::uint32_t> count_descendants(const model::SnapshotTree& tree, const std::vector<SnapshotName>& order) {
    std::map<SnapshotName, std::uint32_t> counts;
    for (auto name = order.rbegin(); name != order.rend(); ++name) {
        const std::uint32_t own = counts[*name];
        if (const auto& parent = tree.find(*name)->parent) counts[*parent] += own + 1;
    }
    return counts;
}

SnapshotInfo describe(const catalog::DomainRecord& domain, const model::SnapshotTree& tree, const model::Snapshot& snapshot) {
    return {.name = snapshot.name,
            .domain = domain.name,
            .domain_uuid = domain.uuid,
            .parent = snapshot.parent,
            .children = tree.children(snapshot.name),
            .current = tree.current() == snapshot.name,
            .state = snapshot.state,
            .created = snapshot.created,
            .description = snapshot.description,
            .memory_method = snapshot.memory.method,
            .memory_file = snapshot.memory.path,
            .memory_bytes = Bytes{snapshot.memory.file_bytes},
            .disks = describe_disks(domain.images, snapshot.disks),
            .machine = snapshot.machine,
            .hypervisor_version = snapshot.hypervisor_version,
            .pause_us = snapshot.pause_us};
}

}  // namespace

std::vector<SnapshotDisk> describe_disks(const model::ImageGraph& images, const std::vector<model::DiskState>& disks) {
    std::vector<SnapshotDisk> result;
    for (const model::DiskState& disk : disks) {
        SnapshotDisk described{.target = disk.target, .mode = disk.mode, .internal_name = disk.internal_name};
        if (const model::Image* image = images.find(disk.image)) {
            described.image = image->path;
            described.format = std::string(model::to_string(image->format));
        }
        result.push_back(std::move(described));
    }
    return result;
}

std::vector<SnapshotInfo> describe_snapshots(const catalog::DomainRecord& domain, const model::SnapshotTree& tree) {
    const auto counts = count_descendants(tree, tree.topological());
    std::vector<SnapshotInfo> result;
    result.reserve(tree.snapshots().size());
    for (const model::Snapshot& snapshot : tree.snapshots()) {
        result.push_back(describe(domain, tree, snapshot));
        result.back().descendants = counts.at(snapshot.name);
    }
    return result;
}

Result<std::vector<SnapshotInfo>> select_snapshots(std::vector<SnapshotInfo> all, const model::SnapshotTree& tree,
                                                   const SnapshotListOptions& options) {
    std::map<SnapshotName, SnapshotInfo> by_name;
    for (SnapshotInfo& info : all) by_name.emplace(info.name, std::move(info));
    std::vector<SnapshotName> order = tree.topological();
    if (options.from) {
        if (!tree.find(*options.from)) {
            return fail(ErrorKind::not_found, "list snapshots below '" + options.from->str() + "'", "", "there is no such snapshot");
        }
        order = options.descendants ? tree.descendants(*options.from) : tree.children(*options.from);
    }
    if (!options.topological) std::ranges::sort(order);
    std::vector<SnapshotInfo> result;
    for (const SnapshotName& name : order) {
        const auto node = by_name.extract(name);
        if (node.empty()) continue;
        if (options.roots && node.mapped().parent) continue;
        if (options.leaves && !node.mapped().children.empty()) continue;
        result.push_back(node.mapped());
    }
    return result;
}

}  // namespace stasis::host
