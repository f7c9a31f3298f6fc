#include "hypervisor/qemu/commit_job.h"

#include <algorithm>
#include <set>

#include "codec/qmp/json.h"
#include "hypervisor/qemu/block_graph.h"
#include "hypervisor/qemu/block_nodes.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::as_list;
using codec::qmp::integer_of;
using codec::qmp::text_of;

namespace {

constexpr std::chrono::milliseconds kPollFirst{2}, kPollMost{100};
constexpr std::chrono::seconds kEndLimit{30};  // slow storage: what is in flight must come back first
constexpr std::string_view kJobPrefix = "stasis-merge-";

struct JobState {
    std::string status;   ///< "running", "ready", "concluded", ...; empty: there is no such job
    std::string error;
    std::uint64_t done = 0, total = 0;
};

std::string job_name(const CommitRequest& request) {
    return std::string(kJobPrefix) + request.target.str() + "-" + std::to_string(request.top.value) + "-" +
           std::to_string(request.base.value);
}

/// A job of ours on this disk (none: on any). Early versions put no layers into the name.
bool is_merge_job(const std::string& id, const DiskTarget* target) {
    if (target == nullptr) return id.starts_with(kJobPrefix);
    const std::string of_disk = std::string(kJobPrefix) + target->str();
    return id == of_disk || id.starts_with(of_disk + "-");
}

Result<JobState> job_state(QmpSession& session, const std::string& id) {
    STASIS_TRY(const Json jobs, session.execute("query-jobs"));
    for (const Json& job : as_list(jobs)) {
        if (text_of(job, "id") != id) continue;
        return JobState{text_of(job, "status"), text_of(job, "error"),
                        static_cast<std::uint64_t>(integer_of(job, "current-progress").value_or(0)),
                        static_cast<std::uint64_t>(integer_of(job, "total-progress").value_or(0))};
    }
    return JobState{};
}

Result<std::vector<std::string>> merge_jobs(QmpSession& session, const DiskTarget* target) {
    STASIS_TRY(const Json jobs, session.execute("query-jobs"));
    std::vector<std::string> ids;
    for (const Json& job : as_list(jobs))
        if (const std::string id = text_of(job, "id"); is_merge_job(id, target)) ids.push_back(id);
    return ids;
}

/// A concluded job has let go of everything but its name.
void dismiss(QmpSession& session, const std::string& id) { (void)session.execute("job-dismiss", Json{{"id", id}}); }

/// Ends a job that must not go on, and waits until it has let go of the images.
Result<void> end_job(QmpSession& session, seam::Clock& clock, const std::string& id) {
    const auto deadline = clock.steady() + kEndLimit;
    auto poll = kPollFirst;
    for (bool told = false;; told = true) {
        STASIS_TRY(const JobState state, job_state(session, id));
        if (state.status.empty()) return {};
        if (state.status == "concluded") {
            dismiss(session, id);
            return {};
        }
        if (!told) (void)session.execute("job-cancel", Json{{"id", id}});  // refused when it is past its switch
        if (clock.steady() >= deadline)
            return fail(ErrorKind::busy, "end a merge", id, "QEMU does not let go of it (" + state.status + ")",
                        "try again when the storage of the guest answers");
        clock.sleep(poll);
        poll = std::min(poll * 2, kPollMost);
    }
}

/// Starts the job, or finds it going on.
Result<void> start_job(QmpSession& session, seam::Clock& clock, const CommitRequest& request, const std::string& id) {
    STASIS_TRY(const JobState left, job_state(session, id));
    if (left.status == "created" || left.status == "running" || left.status == "ready") return {};
    STASIS_CHECK(end_job(session, clock, id));
    const std::string top = model::node_name(request.target, request.top);
    STASIS_CHECK(session.execute("block-commit", Json{{"job-id", id},
                                                      {"device", top},
                                                      {"top-node", top},
                                                      {"base-node", model::node_name(request.target, request.base)},
                                                      {"auto-finalize", true},
                                                      {"auto-dismiss", false}}));
    return {};
}

Result<void> switch_over(QmpSession& session, const CommitRequest& request, const std::string& id) {
    if (request.before_switch) STASIS_CHECK(request.before_switch());
    STASIS_CHECK(session.execute("job-complete", Json{{"id", id}}));
    return {};
}

Result<void> run_job(QmpSession& session, seam::Clock& clock, const CommitRequest& request, const std::string& id,
                     ProgressSink* progress, const CancelToken* cancel) {
    auto poll = kPollFirst;
    bool completing = false;
    while (true) {
        STASIS_TRY(const JobState state, job_state(session, id));
        if (state.status == "concluded") {
            dismiss(session, id);
            if (state.error.empty()) return {};
            return fail(kind_of_words(state.error), "merge a layer", id, state.error);
        }
        if (state.status.empty()) return fail(ErrorKind::failed, "merge a layer", id, "its job has vanished");
        if (progress != nullptr) progress->progress({"merging", state.done, state.total});
        // Once told to complete the job only has to switch over: too late to cancel.
        if (!completing && cancel != nullptr && cancel->cancelled())
            return fail(ErrorKind::interrupted, "merge a layer", id, "it was cancelled");
        if (state.status == "ready" && !completing) {
            STASIS_CHECK(switch_over(session, request, id));
            completing = true;
            poll = kPollFirst;
        }
        clock.sleep(poll);
        poll = std::min(poll * 2, kPollMost);
    }
}

Result<model::ImageId> active_layer(QmpSession& session, const DiskTarget& target) {
    STASIS_TRY(const auto layers, query_active_layers(session));
    const auto found = layers.find(target);
    if (found != layers.end()) return found->second;
    return fail(ErrorKind::not_found, "merge a layer", "disk " + target.str(), "the guest has no such disk");
}

std::unexpected<Error> not_active(const DiskTarget& target, model::ImageId active, model::ImageId expected) {
    return fail(ErrorKind::failed, "merge a layer", "disk " + target.str(),
                "its active layer is " + model::node_name(target, active) + ", not " + model::node_name(target, expected));
}

/// The layers of a disk that are open; a file node that lost its format node counts as well.
Result<std::set<model::ImageId>> open_layers(QmpSession& session, const DiskTarget& target) {
    STASIS_TRY(const Json nodes, session.execute("query-named-block-nodes", Json{{"flat", true}}));
    std::set<model::ImageId> layers;
    for (const Json& node : as_list(nodes)) {
        std::string name = text_of(node, "node-name");
        if (name.ends_with("-f")) name.resize(name.size() - 2);
        if (const auto identity = identity_of_node(name); identity && identity->target == target) layers.insert(identity->id);
    }
    return layers;
}

}  // namespace

Result<void> end_merge_jobs(QmpSession& session, seam::Clock& clock, const DiskTarget* target) {
    STASIS_TRY(const auto ids, merge_jobs(session, target));
    for (const std::string& id : ids) STASIS_CHECK(end_job(session, clock, id));
    return {};
}

Result<bool> top_stays_active(QmpSession& session, const DiskTarget& target, model::ImageId top) {
    STASIS_TRY(const auto ids, merge_jobs(session, &target));
    if (!ids.empty()) return false;
    STASIS_TRY(const model::ImageId active, active_layer(session, target));
    return active == top;
}

Result<void> commit_active_layer(QmpSession& session, seam::Clock& clock, const CommitRequest& request,
                                 ProgressSink* progress, const CancelToken* cancel) {
    const std::string id = job_name(request);
    STASIS_TRY(const auto left, merge_jobs(session, &request.target));
    for (const std::string& other : left)
        if (other != id) STASIS_CHECK(end_job(session, clock, other));
    STASIS_TRY(const model::ImageId before, active_layer(session, request.target));
    if (before == request.base) return end_job(session, clock, id);
    if (before != request.top) return not_active(request.target, before, request.top);
    STASIS_CHECK(start_job(session, clock, request, id));
    auto done = run_job(session, clock, request, id, progress, cancel);
    if (!done && session.dead()) return done;
    if (!done)
        if (auto ended = end_job(session, clock, id); !ended) {
            done.error().why += "; and its job could not be ended: " + ended.error().render();
            return done;
        }
    // Only what QEMU says now counts: an adopted job may have had another aim, and one that failed may have switched.
    auto active = active_layer(session, request.target);
    if (!active) return done ? Result<void>(std::unexpected(std::move(active).error())) : done;
    if (*active == request.base) return {};
    return done ? not_active(request.target, *active, request.base) : done;
}

Result<void> close_freed_layers(QmpSession& session, const DiskTarget& target, model::ImageId top, model::ImageId base) {
    STASIS_TRY(const auto layers, open_layers(session, target));
    // A younger layer stands on an older one, so the highest number goes first. QEMU refuses those still in use.
    for (auto id = layers.rbegin(); id != layers.rend(); ++id) {
        if (*id == base) continue;
        (void)session.execute("blockdev-del", Json{{"node-name", model::node_name(target, *id)}});
        (void)session.execute("blockdev-del", Json{{"node-name", file_node_name(target, *id)}});
    }
    // A node that outlives its file must not be taken for the layer that will have its number next.
    STASIS_TRY(const auto stayed, open_layers(session, target));
    for (const model::ImageId id : stayed)
        if (id == top || (base < id && id < top))
            return fail(ErrorKind::busy, "close a merged layer", model::node_name(target, id),
                        "the merge is done, but QEMU keeps this layer open", "repeat the command later");
    return {};
}

}  // namespace stasis::hypervisor::qemu
