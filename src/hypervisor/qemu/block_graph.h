// port::BlockGraph on QEMU: everything is told from node names and job names, nothing is remembered. Owned by the
// driver; one thread.
#pragma once

#include <string>

#include "hypervisor/qemu/monitors.h"
#include "port/block_graph.h"
#include "seam/clock.h"
#include "seam/file_system.h"
#include "seam/process.h"

namespace stasis::hypervisor::qemu {

/// The active layers as query-block tells them.
Result<model::ActiveLayers> query_active_layers(QmpSession& session);

struct BlockGraphParts {
    std::string root;
    Monitors& monitors;
    seam::FileSystem& files;
    seam::ProcessRunner& processes;
    seam::Clock& clock;
};

class QemuBlockGraph final : public port::BlockGraph {
public:
    explicit QemuBlockGraph(BlockGraphParts parts) : parts_(std::move(parts)) {}

    Result<model::ActiveLayers> active_layers(const model::GuestRef& guest) override;
    Result<void> merge_down(const model::GuestRef& guest, const DiskTarget& target, model::ImageId top,
                            model::ImageId base, ProgressSink* progress, const CancelToken* cancel) override;
    void on_switch(std::function<Result<void>()> call) override { switched_ = std::move(call); }
    Result<void> abandon_merge(const model::GuestRef& guest, const DiskTarget& target) override;
    Result<void> delete_internal(const model::GuestRef& guest, const DiskTarget& target, model::ImageId image,
                                 const std::string& name) override;

private:
    Result<void> merge_and_tell(QmpSession& session, const DiskTarget& target, model::ImageId top, model::ImageId base,
                                ProgressSink* progress, const CancelToken* cancel);

    std::function<Result<void>()> switched_;
    BlockGraphParts parts_;
};

}  // namespace stasis::hypervisor::qemu
