#include "hypervisor/qemu/block_graph.h"

#include "codec/qmp/json.h"
#include "hypervisor/qemu/block_nodes.h"
#include "hypervisor/qemu/commit_job.h"
#include "hypervisor/qemu/run_folder.h"

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
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    return query_active_layers(*session);
}

namespace {

/// The vCPUs, held over a switch. Never let go of by itself: a guest that stands still for want of a release loses no
/// data, one that writes to a base whose switch nobody has noted may.
class Hold {
public:
    explicit Hold(QmpSession& session) : session_(session) {}

    Result<void> take() {
        if (taken_) return {};
        STASIS_TRY(const Json status, session_.execute("query-status"));
        if (text_of(status, "status") != "running") return {};
        taken_ = true;  // even when no answer comes in time: the stop may take effect later
        STASIS_CHECK(session_.execute("stop"));
        return {};
    }

    Result<void> release() {
        if (!taken_) return {};
        if (auto going = session_.execute("cont"); !going)
            return fail_because(std::move(going).error(), "let the guest run on after a merge", {},
                                "it is paused: resume it when the cause is gone");
        taken_ = false;
        return {};
    }

    [[nodiscard]] bool taken() const { return taken_; }

private:
    QmpSession& session_;
    bool taken_ = false;
};

void add_reason(Error& error, const std::string& reason) { error.why += (error.why.empty() ? "" : "; ") + reason; }

/// A merge that failed: the guest runs on if its old layer is active for certain.
std::unexpected<Error> give_up_merge(QmpSession& session, Hold& hold, const CommitRequest& request, Error error) {
    if (!hold.taken() || session.dead()) return std::unexpected(std::move(error));
    if (!top_stays_active(session, request.target, request.top).value_or(false)) {
        add_reason(error, "and as it is not certain which layer is active, the guest is kept standing still");
        return std::unexpected(std::move(error));
    }
    if (auto released = hold.release(); !released) add_reason(error, released.error().render());
    return std::unexpected(std::move(error));
}

}  // namespace

/// The guest stands still from before the switch until the engine has made it durable: what it writes to the base
/// before that could be lost to a second merge of the same, stale layer after a crash.
Result<void> QemuBlockGraph::merge_and_tell(QmpSession& session, const DiskTarget& target, model::ImageId top,
                                            model::ImageId base, ProgressSink* progress, const CancelToken* cancel) {
    Hold hold(session);
    CommitRequest request{target, top, base, {}};
    if (switched_) request.before_switch = [&hold] { return hold.take(); };
    if (auto merged = commit_active_layer(session, parts_.clock, request, progress, cancel); !merged)
        return give_up_merge(session, hold, request, std::move(merged).error());
    if (!switched_) return {};
    (void)hold.take();  // a switch that a dead tool began came without it; telling matters more than holding now
    if (auto told = switched_(); !told)
        return fail_because(std::move(told).error(), "make a merge durable", "disk " + target.str(),
                            hold.taken() ? "the guest is kept standing still: remove the cause and repeat the command" : "");
    return hold.release();
}

Result<void> QemuBlockGraph::merge_down(const model::GuestRef& guest, const DiskTarget& target, model::ImageId top,
                                        model::ImageId base, ProgressSink* progress, const CancelToken* cancel) {
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    STASIS_CHECK(merge_and_tell(*session, target, top, base, progress, cancel));
    return close_freed_layers(*session, target, top, base);
}

Result<void> QemuBlockGraph::abandon_merge(const model::GuestRef& guest, const DiskTarget& target) {
    const auto record = read_record(parts_.files, run_folder(parts_.root, guest));
    if (!record && record.error().kind == ErrorKind::not_found) return {};
    STASIS_CHECK(record);
    STASIS_TRY(const bool alive, parts_.processes.alive(record->process));
    if (!alive) return {};
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    return end_merge_jobs(*session, parts_.clock, &target);
}

Result<void> QemuBlockGraph::delete_internal(const model::GuestRef& guest, const DiskTarget& target,
                                             model::ImageId image, const std::string& name) {
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
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
