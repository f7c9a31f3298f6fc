// Writes to a pipe, socket or file that somebody else gave us, so that a reader that has gone away or hangs is an
// error or can be cancelled, and never a signal. Makes pipes and sockets non-blocking while it lives and sets that
// back. Does not own the descriptor. Made, used and destroyed by one thread.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>

#include <stasis/progress.h>

#include "base/result.h"

namespace stasis::memory {

class StreamOutput {
public:
    /// `cancel` may be null.
    StreamOutput(int descriptor, const CancelToken* cancel);
    ~StreamOutput();
    StreamOutput(const StreamOutput&) = delete;
    StreamOutput& operator=(const StreamOutput&) = delete;

    /// Writes all of it. interrupted: cancelled; no_space; failed: the reader has closed its end.
    Result<void> write(std::span<const std::byte> bytes);
    [[nodiscard]] std::uint64_t written_bytes() const { return written_bytes_; }

private:
    Result<void> wait_writable() const;

    const int descriptor_;
    const CancelToken* const cancel_;
    std::uint64_t written_bytes_ = 0;
    int flags_before_ = -1;      ///< -1: not changed
    ::sigset_t signals_before_{};
    bool pipe_signal_pending_before_ = false;
};

}  // namespace stasis::memory
