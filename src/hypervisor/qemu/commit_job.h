// Folding a guest's active layer down while it runs: one block-commit job from start to end. Every step can be found
// again by the next process of the tool, because the job's name follows from the disk. One thread.
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

/// Runs the job to its end. Adopts one that a dead tool left. On error or cancel the job is gone and `top` is active.
Result<void> commit_active_layer(QmpSession& session, seam::Clock& clock, const CommitRequest& request,
                                 ProgressSink* progress, const CancelToken* cancel);

/// Closes every layer of a disk above `base` that nothing uses any more.
void close_freed_layers(QmpSession& session, const DiskTarget& target, model::ImageId base);

}  // namespace stasis::hypervisor::qemu
