// The disk half of an instant: one transaction that switches all disks, and its way back. One thread.
#pragma once

#include <vector>

#include "hypervisor/qemu/qmp_session.h"
#include "model/capture.h"
#include "seam/clock.h"

namespace stasis::hypervisor::qemu {

/// The arguments of `transaction`; empty actions when no disk takes part.
[[nodiscard]] Json switch_actions(const std::vector<model::DiskCapture>& disks);

/// Undoes a transaction that took effect: overlays are folded back (nothing or little is in them), internal snapshots
/// deleted. Tries all disks; the first error is returned.
Result<void> switch_back(QmpSession& session, seam::Clock& clock, const std::vector<model::DiskCapture>& disks);

}  // namespace stasis::hypervisor::qemu
