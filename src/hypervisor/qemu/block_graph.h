// port::BlockGraph on QEMU: everything is told from node names, nothing is remembered. Owned by the driver; one thread.
#pragma once

#include "hypervisor/qemu/monitors.h"
#include "port/block_graph.h"
#include "seam/clock.h"

namespace stasis::hypervisor::qemu {

/// The active layers as query-block tells them.
Result<model::ActiveLayers> query_active_layers(QmpSession& session);

class QemuBlockGraph final : public port::BlockGraph {
public:
    QemuBlockGraph(Monitors& monitors, seam::Clock& clock) : monitors_(monitors), clock_(clock) {}

    Result<model::ActiveLayers> active_layers(const model::GuestRef& guest) override;
    Result<void> merge_down(const model::GuestRef& guest, const DiskTarget& target, model::ImageId top,
                            model::ImageId base, ProgressSink* progress, const CancelToken* cancel) override;
    void on_switch(std::function<Result<void>()> call) override { switched_ = std::move(call); }
    Result<void> delete_internal(const model::GuestRef& guest, const DiskTarget& target, model::ImageId image,
                                 const std::string& name) override;

private:
    Result<void> merge_and_tell(QmpSession& session, const DiskTarget& target, model::ImageId top, model::ImageId base,
                                ProgressSink* progress, const CancelToken* cancel);

    std::function<Result<void>()> switched_;
    Monitors& monitors_;
    seam::Clock& clock_;
};

}  // namespace stasis::hypervisor::qemu
