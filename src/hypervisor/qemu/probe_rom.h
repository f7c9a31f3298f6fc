// A firmware image that finds out whether an accelerator can really run x86 code: it goes through protected and long
// mode, takes a page fault, does a 16-byte compare-and-swap and a short loop, and ends QEMU through isa-debug-exit.
// A host's KVM may exist and even run a boot sector, and still fail at instructions that every Linux guest uses.
// Pure; any thread.
#pragma once

#include <string>

namespace stasis::hypervisor::qemu {

inline constexpr int kProbePassedExitCode = 67;  ///< (0x21 << 1) | 1, as isa-debug-exit makes it

/// 64 KiB for -bios.
[[nodiscard]] std::string probe_rom();

}  // namespace stasis::hypervisor::qemu
