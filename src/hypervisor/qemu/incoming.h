// Loading memory and device state into a guest that waits for them. Free function over a session; one thread.
#pragma once

#include <stasis/progress.h>

#include "hypervisor/qemu/qmp_session.h"
#include "memory/replay.h"
#include "seam/file_system.h"

namespace stasis::hypervisor::qemu {

/// Feeds a memory image to a guest launched with -incoming defer. Afterwards it stands, paused. A QEMU that cannot
/// load the stream ends; the error then quotes its log.
Result<memory::ReplayTotals> load_incoming(QmpSession& session, seam::FileSystem& files, const std::string& path,
                                           ProgressSink* progress, const CancelToken* cancel);

}  // namespace stasis::hypervisor::qemu
