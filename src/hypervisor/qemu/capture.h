// port::InstantCapture on QEMU. Everything that can be done before the pause is done before it; the order within it
// is a PauseSequence. Owned by the driver; one thread.
#pragma once

#include <memory>
#include <string>

#include "hypervisor/qemu/guest_control.h"
#include "hypervisor/qemu/monitors.h"
#include "hypervisor/qemu/write_protection.h"
#include "port/instant_capture.h"
#include "seam/clock.h"
#include "seam/file_system.h"
#include "seam/process.h"

namespace stasis::hypervisor::qemu {

struct CaptureParts {
    std::string root;
    Monitors& monitors;
    seam::FileSystem& files;
    seam::ProcessRunner& processes;
    seam::Clock& clock;
    WriteProtection& protection;
};

class QemuCapture final : public port::InstantCapture {
public:
    explicit QemuCapture(CaptureParts parts) : parts_(std::move(parts)) {}

    Result<model::MemoryAbility> memory_ability(const model::GuestRef& guest) override;
    Result<void> open_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) override;
    Result<void> close_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) override;
    Result<std::unique_ptr<port::CaptureSession>> capture(const port::CaptureRequest& request) override;
    Result<void> abandon(const model::GuestRef& guest) override;

private:
    Result<bool> gone(const model::GuestRef& guest);
    Result<bool> settle_run_state(GuestControl& control, const RunFolder& folder, bool may_run);

    CaptureParts parts_;
};

}  // namespace stasis::hypervisor::qemu
