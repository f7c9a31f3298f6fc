// The order in which a guest is stopped, its disks switched, its memory armed or saved, and the guest resumed. One
// body per method; which one fits a guest and its QEMU is decided in one place. Everything that can be done before
// the pause has been done when run() is called. Private to the capture; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <stasis/snapshot.h>

#include "hypervisor/qemu/guest_control.h"
#include "hypervisor/qemu/memory_stream.h"
#include "hypervisor/qemu/qmp_session.h"
#include "hypervisor/qemu/write_protection.h"
#include "model/capture.h"
#include "seam/clock.h"

namespace stasis::hypervisor::qemu {

struct PauseContext {
    QmpSession& session;
    GuestControl& control;
    seam::FileSystem& files;
    seam::Clock& clock;
    RunFolder folder;
    const std::vector<model::DiskCapture>& disks;
    MemoryStream* stream = nullptr;            ///< none: disks only
    bool was_running = true;
    WriteProtection& protection;
    std::int64_t pid = 0;
    ProgressSink* progress = nullptr;
    const CancelToken* cancel = nullptr;
};

struct Instant {
    std::optional<std::int64_t> pause_us;      ///< STOP to RESUME events; none: the guest was not running, or never stopped
};

class PauseSequence {
public:
    virtual ~PauseSequence() = default;
    /// What has to be set up in QEMU beforehand.
    [[nodiscard]] virtual MemoryMethod method() const = 0;
    /// Done before the memory stream is opened; the guest may still run.
    virtual Result<void> prepare(PauseContext&) { return {}; }
    /// On error the disks are as before and the guest is in the state it was in.
    virtual Result<Instant> run(PauseContext& context) = 0;
};

/// `wanted` as planned; what really happens is method() of the result: a guest that is paused is saved standing still
/// by a QEMU whose background snapshot would let it run.
std::unique_ptr<PauseSequence> choose_pause_sequence(MemoryMethod wanted, bool was_running,
                                                     const codec::qmp::Version& version);

// Shared by the bodies.
[[nodiscard]] bool is_stop(const Event& event);
[[nodiscard]] bool is_resume(const Event& event);
/// A MIGRATION event with one of these states.
[[nodiscard]] bool is_migration(const Event& event, std::initializer_list<std::string_view> states);
/// Ends a failed instant: the memory stream goes nowhere, disks as before (if they were, or may have been, switched)
/// and nothing of their overlays left, guest as before.
std::unexpected<Error> give_up_instant(PauseContext& context, Error error, bool disks_switched);

// The bodies.
std::unique_ptr<PauseSequence> make_disk_only_sequence();
std::unique_ptr<PauseSequence> make_background_sequence(bool resumes_by_itself);
std::unique_ptr<PauseSequence> make_stopped_sequence();
std::unique_ptr<PauseSequence> make_precopy_sequence();

}  // namespace stasis::hypervisor::qemu
