// Folding a guest's active layer down while it runs: one block-commit job from start to end. Every step can be found
// again by the next process of the tool, because the job's name says the disk and both layers. One thread.
#pragma once

#include <functional>

#include <stasis/progress.h>

#include "hypervisor/qemu/qmp_session.h"
#include "model/guest.h"
#include "seam/clock.h"

namespace stasis::hypervisor::qemu {

struct CommitRequest {
    DiskTarget target;
    model::ImageId top;    ///< the active layer
    model::ImageId base;   ///< becomes active
    std::function<Result<void>()> before_switch;  ///< called when all is copied, before `base` becomes active; may be empty
};

/// Runs the job to its end; success says that `base` is active, as QEMU itself tells. Already active: fine. Jobs of the
/// disk that fold other layers are ended first; one that a dead tool left for just this fold is adopted, and then
/// before_switch may go uncalled. On error ask top_stays_active().
Result<void> commit_active_layer(QmpSession& session, seam::Clock& clock, const CommitRequest& request,
                                 ProgressSink* progress, const CancelToken* cancel);

/// Whether `top` is the active layer for certain, and no job is left that could change that.
Result<bool> top_stays_active(QmpSession& session, const DiskTarget& target, model::ImageId top);

/// Ends the merge jobs that a dead tool left, of one disk or (none stated) of all. One that is past its switch ends by
/// itself. busy: QEMU does not let go of one.
Result<void> end_merge_jobs(QmpSession& session, seam::Clock& clock, const DiskTarget* target = nullptr);

/// Closes every layer of a disk above `base` that nothing uses any more. busy: one of those up to `top` stays open.
Result<void> close_freed_layers(QmpSession& session, const DiskTarget& target, model::ImageId top, model::ImageId base);

}  // namespace stasis::hypervisor::qemu
