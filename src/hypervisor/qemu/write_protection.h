// Frees a guest whose write-protected memory nobody serves any more. QEMU 7.2 leaves its userfaultfd registered and
// armed when a background snapshot fails or is cancelled: vCPUs then sleep at their next write, often the main loop
// too, and nothing QEMU offers helps. From outside, with the right to trace QEMU, its descriptor can be borrowed
// (pidfd_getfd), the memory unregistered and the sleepers woken. Linux only. Any thread.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"

namespace stasis::hypervisor::qemu {

class WriteProtection {
public:
    virtual ~WriteProtection() = default;
    /// Lifts all write protection of that process. Call it only when no background snapshot is under way.
    /// Returns whether there was any. denied: no right to trace it.
    virtual Result<bool> lift(std::int64_t pid) = 0;
};

std::unique_ptr<WriteProtection> make_write_protection();

}  // namespace stasis::hypervisor::qemu
