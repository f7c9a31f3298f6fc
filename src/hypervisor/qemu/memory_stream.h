// The way from QEMU's migration stream into a memory image: the pipe, the capture that reads it, and the guard that
// keeps it flowing if the capture cannot. Owned by one capture; one thread.
#pragma once

#include <memory>
#include <optional>

#include "base/unique_fd.h"
#include "hypervisor/qemu/drain_guard.h"
#include "memory/capture.h"
#include "model/capture.h"
#include "seam/file_system.h"

namespace stasis::hypervisor::qemu {

class MemoryStream {
public:
    static Result<std::unique_ptr<MemoryStream>> open(seam::FileSystem& files, const model::MemoryCapture& request);

    /// The end that QEMU writes to; to be closed here once QEMU has it.
    UniqueFd take_write_end() { return std::move(write_end_); }
    bool wait_armed(std::chrono::milliseconds limit) { return capture_ && capture_->wait_armed(limit); }
    [[nodiscard]] std::uint64_t received_bytes() const { return capture_ ? capture_->received_bytes() : 0; }
    /// The error of a capture that has gone wrong; its file is gone then, and nobody reads until abandon(). Does not wait.
    Result<void> check();
    /// Waits for the end, seals the file.
    Result<memory::CaptureTotals> finish(ProgressSink* progress, const CancelToken* cancel);
    /// Stores no more and removes the file; what still comes is read to nowhere.
    void abandon();

private:
    MemoryStream(UniqueFd write_end, DrainGuard guard, std::unique_ptr<memory::StreamCapture> capture)
        : write_end_(std::move(write_end)), guard_(std::move(guard)), capture_(std::move(capture)) {}

    UniqueFd write_end_;
    DrainGuard guard_;  // before capture_: the capture lets go of the pipe first
    std::unique_ptr<memory::StreamCapture> capture_;
    std::optional<Error> failure_;  ///< what check() has found
};

}  // namespace stasis::hypervisor::qemu
