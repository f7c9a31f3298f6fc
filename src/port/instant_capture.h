// What the engine needs from a hypervisor to take one instant of disks and memory of a running guest. One body
// per hypervisor; every body passes tests/conformance. Called from one thread; the session may use its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stasis/progress.h>
#include <stasis/snapshot.h>

#include "base/result.h"
#include "model/capture.h"
#include "model/guest.h"

namespace stasis::port {

struct CaptureRequest {
    model::GuestRef guest;
    std::vector<model::DiskCapture> disks;
    std::optional<model::MemoryCapture> memory;
    bool resume = true;          ///< false: the guest was paused and stays so
    ProgressSink* progress = nullptr;      ///< for a save during which the guest stands still; may be null
    const CancelToken* cancel = nullptr;   ///< ends such a save; may be null
};

struct CaptureReport {
    std::optional<std::int64_t> pause_us;  ///< STOP to RESUME events; none: it was not running, or never stopped
    MemoryMethod method = MemoryMethod::none;
    std::uint64_t memory_file_bytes = 0;
    std::uint64_t memory_guest_bytes = 0;
};

/// Memory still streaming out of a guest that is past the instant.
class CaptureSession {
public:
    virtual ~CaptureSession() = default;  ///< not finished: cancels, the guest runs on, the temporary file is removed
    /// Waits for the rest, seals and syncs the file and gives it its name. On error the file is removed.
    virtual Result<CaptureReport> finish(ProgressSink* progress, const CancelToken* cancel) = 0;
};

class InstantCapture {
public:
    virtual ~InstantCapture() = default;
    virtual Result<model::MemoryAbility> memory_ability(const model::GuestRef& guest) = 0;
    /// Opens overlays beside the guest's disks. Already open: fine. On error none stays open.
    virtual Result<void> open_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) = 0;
    /// Closes those that are not in use by a disk. A guest that is gone: fine.
    virtual Result<void> close_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) = 0;
    /// Takes the instant: all disks in one transaction, and memory. On error no disk has changed, the guest is in
    /// the state it was in, and no file is left. On success disks have changed and the guest runs on (or stays paused).
    virtual Result<std::unique_ptr<CaptureSession>> capture(const CaptureRequest& request) = 0;
    /// Ends whatever capture a tool that died left going on in the guest, so that it can run on.
    virtual Result<void> abandon(const model::GuestRef& guest) = 0;
};

}  // namespace stasis::port
