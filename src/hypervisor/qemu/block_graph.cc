#include "hypervisor/qemu/block_graph.h"

#include "base/undo.h"
#include "codec/qmp/json.h"
#include "hypervisor/qemu/block_nodes.h"
#include "hypervisor/qemu/commit_job.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::as_list;
using codec::qmp::list_of;
using codec::qmp::member;
using codec::qmp::text_of;

Result<model::ActiveLayers> query_active_layers(QmpSession& session) {
    STASIS_TRY(const Json devices, session.execute("query-block"));
    model::ActiveLayers layers;
    for (const Json& device : as_list(devices)) {
        const auto target = target_of_device(text_of(device, "qdev"));
        const Json* inserted = member(device, "inserted");
        if (!target || inserted == nullptr) continue;  // not a disk of ours, or no medium
        const auto identity = identity_of_node(text_of(*inserted, "node-name"));
        layers[*target] = identity && identity->target == *target ? identity->id : model::ImageId{};
    }
    return layers;
}

Result<model::ActiveLayers> QemuBlockGraph::active_layers(const model::GuestRef& guest) {
    STASIS_TRY(const auto session, monitors_.commands(guest));
    return query_active_layers(*session);
}

/// The guest stands still from before the switch until the engine has made it durable: what it writes to the base
/// before that could be lost to a second merge of the same, stale layer after a crash.
Result<void> QemuBlockGraph::merge_and_tell(QmpSession& session, const DiskTarget& target, model::ImageId top,
                                            model::ImageId base, ProgressSink* progress, const CancelToken* cancel) {
    CommitRequest request{target, top, base, {}};
    bool held = false;
    const Undo release([&] {
        if (held) (void)session.execute("cont");
    });
    if (switched_)
        request.before_switch = [&]() -> Result<void> {
            STASIS_TRY(const Json status, session.execute("query-status"));
            if (text_of(status, "status") != "running") return {};
            STASIS_CHECK(session.execute("stop"));
            held = true;
            return {};
        };
    STASIS_CHECK(commit_active_layer(session, clock_, request, progress, cancel));
    return switched_ ? switched_() : Result<void>();
}

Result<void> QemuBlockGraph::merge_down(const model::GuestRef& guest, const DiskTarget& target, model::ImageId top,
                                        model::ImageId base, ProgressSink* progress, const CancelToken* cancel) {
    STASIS_TRY(const auto session, monitors_.commands(guest));
    STASIS_TRY(const auto layers, query_active_layers(*session));
    const auto active = layers.find(target);
    if (active == layers.end())
        return fail(ErrorKind::not_found, "merge a layer", "disk " + target.str(), "the guest has no such disk");
    if (active->second != base) {
        if (active->second != top)
            return fail(ErrorKind::failed, "merge a layer", "disk " + target.str(),
                        "its active layer is " + model::node_name(target, active->second) + ", not " +
                            model::node_name(target, top));
        STASIS_CHECK(merge_and_tell(*session, target, top, base, progress, cancel));
    }
    close_freed_layers(*session, target, base);
    return {};
}

Result<void> QemuBlockGraph::delete_internal(const model::GuestRef& guest, const DiskTarget& target,
                                             model::ImageId image, const std::string& name) {
    STASIS_TRY(const auto session, monitors_.commands(guest));
    const std::string node = model::node_name(target, image);
    STASIS_TRY(const Json nodes, session->execute("query-named-block-nodes"));
    for (const Json& entry : as_list(nodes)) {
        const Json* info = member(entry, "image");
        if (text_of(entry, "node-name") != node || info == nullptr) continue;
        for (const Json& snapshot : list_of(*info, "snapshots")) {
            if (text_of(snapshot, "name") != name) continue;
            STASIS_CHECK(session->execute("blockdev-snapshot-delete-internal-sync", Json{{"device", node}, {"name", name}}));
            return {};
        }
        return {};
    }
    return fail(ErrorKind::not_found, "delete an internal snapshot", node, "the guest does not have that image open");
}

}  // namespace stasis::hypervisor::qemu
