// A way to make a stopped guest take its images back without running. QEMU before 10 re-activates block nodes only in
// `cont`, which then runs the vCPUs; but it activates them one after the other and gives up, vCPUs untouched, at the
// first that fails, and nodes that no device uses come last. So a node is added whose activation must fail: a tiny
// qcow2 image whose header is spoilt once it is open. With it in place `cont` is refused after all disks are back.
// Private to GuestControl and the captures that end in an inactive guest. One thread.
#pragma once

#include "hypervisor/qemu/qmp_session.h"
#include "hypervisor/qemu/run_folder.h"
#include "seam/file_system.h"

namespace stasis::hypervisor::qemu {

/// Puts the latch in place; must be done while the guest's images are active.
Result<void> close_latch(QmpSession& session, seam::FileSystem& files, const RunFolder& folder);
/// Takes it away. Not there: fine.
void open_latch(QmpSession& session, seam::FileSystem& files, const RunFolder& folder);
/// Whether `cont` was refused because of the latch, and so all other images are active again.
[[nodiscard]] bool refused_by_latch(const Error& error);

/// A valid qcow2 image of 512 bytes capacity in 2 KiB (format: docs/interop/qcow2 in QEMU).
[[nodiscard]] std::string latch_image();

}  // namespace stasis::hypervisor::qemu
