// What the engine needs from a hypervisor to change the images under a guest that runs. One body per hypervisor;
// every body passes tests/conformance. Called from one thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <stasis/progress.h>

#include "base/result.h"
#include "model/guest.h"

namespace stasis::port {

class BlockGraph {
public:
    virtual ~BlockGraph() = default;
    /// The layer each disk of the guest writes to now, told from its node names. Images that Stasis did not open: id 0.
    virtual Result<model::ActiveLayers> active_layers(const model::GuestRef& guest) = 0;
    /// Folds the active layer and all between it and `base` down into `base`, which becomes active, while the guest
    /// runs (or is paused). Already active: fine. On error or cancel the chain is as it was, unless active_layers()
    /// says that the switch has happened.
    virtual Result<void> merge_down(const model::GuestRef& guest, const DiskTarget& target, model::ImageId top,
                                    model::ImageId base, ProgressSink* progress, const CancelToken* cancel) = 0;
    /// What the next merge_down() is to call once `base` has become active, before the guest can write to it: the
    /// driver holds the vCPUs over the switch until the call returns. The engine makes the switch durable in it, so that
    /// a crash right after it cannot fold a stale layer over newer data. Empty: nothing. A driver without a running
    /// guest to protect may leave this out. When the call fails, merge_down() fails with `base` active and the vCPUs
    /// still held: letting them go would make the layers above stale while the catalog names them.
    virtual void on_switch(std::function<Result<void>()> call) { (void)call; }
    /// Ends a merge job that a tool that died left going on; none, or guest gone: fine. Afterwards the chain is as it
    /// was, or, when the switch had happened, as merged.
    virtual Result<void> abandon_merge(const model::GuestRef& guest, const DiskTarget& target) {
        (void)guest, (void)target;
        return {};
    }
    /// Deletes an internal snapshot from the active layer of a disk. Not there: fine.
    virtual Result<void> delete_internal(const model::GuestRef& guest, const DiskTarget& target, model::ImageId image,
                                         const std::string& name) = 0;
};

}  // namespace stasis::port
