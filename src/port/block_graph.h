// What the engine needs from a hypervisor to change the images under a guest that runs. One body per hypervisor;
// every body passes tests/conformance. Called from one thread.
#pragma once

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
    /// runs (or is paused). Already active: fine. On error or cancel the chain is as it was.
    virtual Result<void> merge_down(const model::GuestRef& guest, const DiskTarget& target, model::ImageId top,
                                    model::ImageId base, ProgressSink* progress, const CancelToken* cancel) = 0;
    /// Deletes an internal snapshot from the active layer of a disk. Not there: fine.
    virtual Result<void> delete_internal(const model::GuestRef& guest, const DiskTarget& target, model::ImageId image,
                                         const std::string& name) = 0;
};

}  // namespace stasis::port
