#include "hypervisor/qemu/commit_job.h"

#include <algorithm>

#include "codec/qmp/json.h"
#include "hypervisor/qemu/block_nodes.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::as_list;
using codec::qmp::integer_of;
using codec::qmp::text_of;

namespace {

constexpr std::chrono::milliseconds kPollFirst{2}, kPollMost{100};

struct JobState {
    std::string status;   ///< "running", "ready", "concluded", ...; empty: there is no such job
    std::string error;
    std::uint64_t done = 0, total = 0;
};

std::string job_name(const DiskTarget& target) { return "stasis-merge-" + target.str(); }

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

/// Ends a job that must not go on, and waits until it has let go of the images.
void abort_job(QmpSession& session, seam::Clock& clock, const std::string& id) {
    (void)session.execute("job-cancel", Json{{"id", id}});
    for (int i = 0; i < 300; ++i) {
        const auto state = job_state(session, id);
        if (!state || state->status.empty()) return;
        if (state->status == "concluded") {
            (void)session.execute("job-dismiss", Json{{"id", id}});
            return;
        }
        clock.sleep(kPollMost);
    }
}

Result<void> start_job(QmpSession& session, const CommitRequest& request, const std::string& id) {
    STASIS_TRY(const JobState left, job_state(session, id));
    if (left.status == "concluded") STASIS_CHECK(session.execute("job-dismiss", Json{{"id", id}}));
    if (!left.status.empty() && left.status != "concluded") return {};
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

Result<void> run_job(QmpSession& session, seam::Clock& clock, const CommitRequest& request, ProgressSink* progress,
                     const CancelToken* cancel) {
    const std::string id = job_name(request.target);
    auto poll = kPollFirst;
    bool completing = false;
    while (true) {
        STASIS_TRY(const JobState state, job_state(session, id));
        if (state.status == "concluded") {
            STASIS_CHECK(session.execute("job-dismiss", Json{{"id", id}}));
            if (state.error.empty()) return {};
            return fail(ErrorKind::failed, "merge a layer", id, state.error);
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

}  // namespace

Result<void> commit_active_layer(QmpSession& session, seam::Clock& clock, const CommitRequest& request,
                                 ProgressSink* progress, const CancelToken* cancel) {
    const std::string id = job_name(request.target);
    STASIS_CHECK(start_job(session, request, id));
    auto done = run_job(session, clock, request, progress, cancel);
    if (!done && !session.dead()) abort_job(session, clock, id);
    return done;
}

void close_freed_layers(QmpSession& session, const DiskTarget& target, model::ImageId base) {
    const auto nodes = session.execute("query-named-block-nodes", Json{{"flat", true}});
    if (!nodes) return;
    std::vector<model::ImageId> layers;
    for (const Json& node : as_list(*nodes)) {
        const auto identity = identity_of_node(text_of(node, "node-name"));
        if (identity && identity->target == target && identity->id != base) layers.push_back(identity->id);
    }
    // A younger layer stands on an older one, so the highest number goes first. QEMU refuses those still in use.
    std::ranges::sort(layers, std::greater<>());
    for (const model::ImageId id : layers) {
        if (!session.execute("blockdev-del", Json{{"node-name", model::node_name(target, id)}})) continue;
        (void)session.execute("blockdev-del", Json{{"node-name", file_node_name(target, id)}});
    }
}

}  // namespace stasis::hypervisor::qemu
