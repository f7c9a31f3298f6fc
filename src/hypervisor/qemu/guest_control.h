// Stopping, running, parking one guest: the vCPUs and who has the images. Works over a session that somebody else
// owns; what it did to the images is kept in the run folder, because query-status does not tell a parked guest from a
// paused one and parking twice aborts QEMU. One thread.
#pragma once

#include <optional>
#include <string>

#include <stasis/types.h>

#include "hypervisor/qemu/qmp_session.h"
#include "hypervisor/qemu/run_folder.h"
#include "seam/clock.h"
#include "seam/file_system.h"

namespace stasis::hypervisor::qemu {

/// QEMU 10 gives up images and takes them back by command; before, it takes tricks (latch.h).
[[nodiscard]] bool switches_images_by_command(const codec::qmp::Version& version);

class GuestControl {
public:
    GuestControl(QmpSession& session, seam::FileSystem& files, const seam::Clock& clock, RunFolder folder)
        : session_(session), files_(files), clock_(clock), folder_(std::move(folder)) {}

    /// QEMU's word: "running", "paused", "postmigrate", ...
    Result<std::string> run_state();
    /// Stops the vCPUs. A guest that gave up its images takes them back, and stays stopped.
    Result<void> pause();
    /// Takes images back if need be and runs. The RESUME event's time; now when it ran already. failed: it does not run.
    Result<UnixMicros> resume();
    /// The time of the RESUME event that the last resume() saw; none when it saw none, and its time is only about right.
    [[nodiscard]] std::optional<UnixMicros> resume_event() const { return resume_event_; }
    /// Stops and gives up the images. Already parked: fine. On error the guest is as it was.
    Result<void> park();
    /// Makes a stopped guest have its images again, without running it.
    Result<void> take_images_back();

private:
    Result<void> check_parkable();
    Result<void> give_up_images();
    Result<void> undo_park(bool was_running, bool kept);
    Result<void> await_resume();

    QmpSession& session_;
    seam::FileSystem& files_;
    const seam::Clock& clock_;
    RunFolder folder_;
    std::optional<UnixMicros> resume_event_;
};

}  // namespace stasis::hypervisor::qemu
