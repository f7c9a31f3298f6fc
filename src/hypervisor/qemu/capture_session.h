// Memory that still streams out of a guest past its instant. Holds the monitor's session and the memory stream; one
// thread.
#pragma once

#include <memory>

#include "hypervisor/qemu/memory_stream.h"
#include "hypervisor/qemu/qmp_session.h"
#include "hypervisor/qemu/write_protection.h"
#include "port/instant_capture.h"
#include "seam/clock.h"

namespace stasis::hypervisor::qemu {

struct CaptureSessionParts {
    std::shared_ptr<QmpSession> session;
    std::unique_ptr<MemoryStream> stream;   ///< none: nothing is left to do
    port::CaptureReport report;             ///< what the instant measured
    seam::Clock& clock;
    WriteProtection& protection;
    std::int64_t pid = 0;
};

std::unique_ptr<port::CaptureSession> make_capture_session(CaptureSessionParts parts);

}  // namespace stasis::hypervisor::qemu
