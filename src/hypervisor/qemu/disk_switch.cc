#include "hypervisor/qemu/disk_switch.h"

#include <algorithm>
#include <optional>
#include <string>

#include "codec/qmp/json.h"
#include "hypervisor/qemu/block_graph.h"
#include "hypervisor/qemu/block_nodes.h"
#include "hypervisor/qemu/commit_job.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::as_list;
using codec::qmp::text_of;

namespace {

/// The path of the file that a file node has open; none: no such node.
std::optional<std::string> path_of_node(const Json& nodes, const std::string& name) {
    for (const Json& node : as_list(nodes))
        if (text_of(node, "node-name") == name) return text_of(node, "file");
    return std::nullopt;
}

Result<void> discard_file(seam::FileSystem& files, const std::string& path) {
    if (!path.starts_with('/'))
        return fail(ErrorKind::failed, "remove an overlay", path, "QEMU does not say which file it is");
    if (auto removed = files.remove_file(path); !removed && removed.error().kind != ErrorKind::not_found) return removed;
    return files.sync_folder(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)));
}

}  // namespace

Json switch_actions(const std::vector<model::DiskCapture>& disks) {
    Json actions = Json::array();
    for (const model::DiskCapture& disk : disks) {
        const std::string active = model::node_name(disk.target, disk.active);
        if (disk.mode == DiskMode::external)
            actions.push_back({{"type", "blockdev-snapshot"},
                               {"data", {{"node", active}, {"overlay", model::node_name(disk.target, disk.overlay)}}}});
        if (disk.mode == DiskMode::internal)
            actions.push_back({{"type", "blockdev-snapshot-internal-sync"},
                               {"data", {{"device", active}, {"name", disk.internal_name}}}});
    }
    return {{"actions", std::move(actions)}};
}

Result<void> switch_back(QmpSession& session, seam::Clock& clock, const std::vector<model::DiskCapture>& disks) {
    STASIS_TRY(const auto layers, query_active_layers(session));
    Result<void> first;
    for (const model::DiskCapture& disk : disks) {
        Result<void> undone;
        const auto now = layers.find(disk.target);
        if (disk.mode == DiskMode::external && now != layers.end() && now->second == disk.overlay)
            undone = commit_active_layer(session, clock, {disk.target, disk.overlay, disk.active, {}}, nullptr, nullptr);
        if (disk.mode == DiskMode::internal)
            if (auto deleted = session.execute("blockdev-snapshot-delete-internal-sync",
                                               Json{{"device", model::node_name(disk.target, disk.active)},
                                                    {"name", disk.internal_name}});
                !deleted)
                undone = std::unexpected(std::move(deleted).error());
        if (!undone && first) first = std::move(undone);
    }
    return first;
}

Result<void> discard_overlays(QmpSession& session, seam::FileSystem& files, const std::vector<model::DiskCapture>& disks) {
    STASIS_TRY(const auto layers, query_active_layers(session));
    STASIS_TRY(const Json nodes, session.execute("query-named-block-nodes", Json{{"flat", true}}));
    Result<void> first;
    for (const model::DiskCapture& disk : disks) {
        const auto now = layers.find(disk.target);
        if (disk.mode != DiskMode::external || now == layers.end() || now->second != disk.active) continue;
        const std::string file_node = file_node_name(disk.target, disk.overlay);
        const auto path = path_of_node(nodes, file_node);
        if (!path) continue;
        (void)session.execute("blockdev-del", Json{{"node-name", model::node_name(disk.target, disk.overlay)}});
        (void)session.execute("blockdev-del", Json{{"node-name", file_node}});
        // Even one that stays open must not be found by its name.
        if (auto discarded = discard_file(files, *path); !discarded && first) first = std::move(discarded);
    }
    return first;
}

}  // namespace stasis::hypervisor::qemu
