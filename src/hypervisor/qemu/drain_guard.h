// A small process that outlives this tool for the sake of the guest. While a background snapshot streams out, QEMU
// must never find its pipe without a reader: it would leave the guest's memory write-protected for ever. The guard
// holds the pipe's read end too and does nothing, until the tool lets go of it or dies; then it reads what is left,
// to nowhere. It ends at the end of the stream. The instance owns the tool's end of the lifeline; one thread.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace stasis::hypervisor::qemu {

class DrainGuard {
public:
    DrainGuard() = default;
    /// Starts one for the pipe whose read end is `stream`, which stays the caller's.
    static Result<DrainGuard> start(int stream);
    DrainGuard(DrainGuard&&) noexcept = default;
    DrainGuard& operator=(DrainGuard&&) noexcept = default;
    ~DrainGuard() = default;  ///< as drain()

    /// Lets it read the rest to nowhere.
    void drain() { lifeline_.reset(); }
    /// The stream has been read to its end: nothing is left to guard.
    void dismiss();

private:
    explicit DrainGuard(UniqueFd lifeline) : lifeline_(std::move(lifeline)) {}
    UniqueFd lifeline_;
};

}  // namespace stasis::hypervisor::qemu
