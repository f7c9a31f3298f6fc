// Ending a guest process and what was made for it.
#include <csignal>

#include "codec/qmp/json.h"
#include "hypervisor/qemu/host_sockets.h"
#include "hypervisor/qemu/lifecycle.h"
#include "hypervisor/qemu/tpm.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr Millis kGreetingLimit{2'000};
constexpr Millis kQuitLimit{5'000};
constexpr Millis kStartedLimit{15'000};  // a QEMU that was only just spawned, on a loaded host
constexpr Millis kPoll{20};
constexpr Millis kKillLimit{20'000};   // a process in the middle of slow input and output takes a while to die
constexpr Millis kTpmLimit{2'000};

/// QEMU writes back its caches when it quits by itself. A guest that gave up its images has none, and its images are
/// another's by now: it is not given the occasion. Returns whether the guest may end by itself.
bool ask_to_quit(Monitors& monitors, const model::GuestRef& guest, bool gave_up_images) {
    const auto session = monitors.commands(guest, kGreetingLimit);
    if (!session) return !gave_up_images;
    if (gave_up_images) {  // as was kept, but one that runs has taken them back
        const auto status = (*session)->execute_within(kQuitLimit, "query-status");
        if (!status || codec::qmp::text_of(*status, "status") != "running") return false;
    }
    (void)(*session)->execute_within(kQuitLimit, "quit");
    return true;
}

Result<void> end_guest(const LifecycleParts& parts, const model::GuestRef& guest, const RunFolder& folder,
                       const seam::SpawnedProcess& process) {
    STASIS_TRY(const bool alive, parts.processes.alive(process));
    if (alive) {
        const bool inactive = kept_state(parts.files, folder) == KeptState::inactive;
        if (ask_to_quit(parts.monitors, guest, inactive) && parts.processes.wait_gone(process, kQuitLimit)) return {};
    }
    // Not alive may mean that only its first thread is gone: others may still hold image locks.
    STASIS_CHECK(parts.processes.signal(process, SIGKILL));
    return parts.processes.wait_gone(process, kKillLimit);
}

bool listens(seam::ChannelFactory& channels, const std::string& path) {
    const auto channel = channels.connect(path);
    return channel || channel.error().kind == ErrorKind::busy;
}

/// The tool died between starting QEMU and writing down its process id: such a guest has not run. All that is known of
/// it is that somebody listens at its monitor's socket until it is gone.
Result<void> end_unrecorded(const LifecycleParts& parts, const model::GuestRef& guest, const RunFolder& folder) {
    const auto deadline = parts.clock.steady() + kStartedLimit;
    while (true) {
        if (!listens(parts.channels, folder.commands())) return {};
        if (parts.clock.steady() >= deadline)
            return fail(ErrorKind::busy, "end a guest that was being started", folder.commands(),
                        "its QEMU does not quit, and its process is not known",
                        "end the process that listens there, and try again");
        (void)ask_to_quit(parts.monitors, guest, false);
        parts.clock.sleep(kPoll);
    }
}

void end_tpm(const LifecycleParts& parts, const seam::SpawnedProcess& tpm) {
    if (parts.processes.wait_gone(tpm, kTpmLimit)) return;  // it ends with QEMU's connection
    (void)parts.processes.signal(tpm, SIGKILL);
    (void)parts.processes.wait_gone(tpm, kTpmLimit);
}

/// Sockets the user named: back to an older generation that still stands, or gone.
void settle_sockets(const LifecycleParts& parts, const model::GuestRef& guest, const GuestRecord& record) {
    bool newer = false, older = false;
    for (const std::uint32_t generation : standing_generations(parts.files, parts.root, guest.domain)) {
        newer |= generation > guest.generation;
        older |= generation < guest.generation;
    }
    remove_aside(parts.files, record.sockets, guest.generation);
    if (!newer)
        for (const std::string& path : record.sockets) (void)parts.files.remove_file(path);
    if (record.replaced) give_back(parts.files, record.sockets, *record.replaced);
    if (newer || older) forget_tpm(parts.files, parts.root, guest);  // otherwise it is the guest's state for next time
}

}  // namespace

Result<void> QemuLifecycle::kill(const model::GuestRef& guest) {
    const RunFolder folder = run_folder(parts_.root, guest);
    const auto record = read_record(parts_.files, folder);
    if (record) {
        STASIS_CHECK(end_guest(parts_, guest, folder, record->process));
        if (record->tpm) end_tpm(parts_, *record->tpm);
        settle_sockets(parts_, guest, *record);
    } else {
        STASIS_CHECK(end_unrecorded(parts_, guest, folder));
    }
    return remove_run_folder(parts_.files, folder);
}

}  // namespace stasis::hypervisor::qemu
