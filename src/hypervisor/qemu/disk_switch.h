// The disk half of an instant: one transaction that switches all disks, and its way back. One thread.
#pragma once

#include <vector>

#include "hypervisor/qemu/qmp_session.h"
#include "model/capture.h"
#include "seam/clock.h"
#include "seam/file_system.h"

namespace stasis::hypervisor::qemu {

/// The arguments of `transaction`; empty actions when no disk takes part.
[[nodiscard]] Json switch_actions(const std::vector<model::DiskCapture>& disks);

/// Undoes a transaction that took effect: overlays are folded back (nothing or little is in them), internal snapshots
/// deleted. Tries all disks; the first error is returned.
Result<void> switch_back(QmpSession& session, seam::Clock& clock, const std::vector<model::DiskCapture>& disks);

/// Closes the overlays that are no disk's active layer and removes their files, durably, so that nobody can take what
/// is in them for news. For disks that have been switched back. Tries all; the first error is returned.
Result<void> discard_overlays(QmpSession& session, seam::FileSystem& files, const std::vector<model::DiskCapture>& disks);

}  // namespace stasis::hypervisor::qemu
