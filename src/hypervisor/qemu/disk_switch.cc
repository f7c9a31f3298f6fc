#include "hypervisor/qemu/disk_switch.h"

#include "hypervisor/qemu/block_graph.h"
#include "hypervisor/qemu/commit_job.h"

namespace stasis::hypervisor::qemu {

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

}  // namespace stasis::hypervisor::qemu
