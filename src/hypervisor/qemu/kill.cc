// Ending a guest process and what was made for it.
#include <csignal>

#include "hypervisor/qemu/host_sockets.h"
#include "hypervisor/qemu/lifecycle.h"
#include "hypervisor/qemu/tpm.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr Millis kGreetingLimit{2'000};
constexpr Millis kQuitLimit{5'000};
constexpr Millis kKillLimit{20'000};   // a process in the middle of slow input and output takes a while to die
constexpr Millis kTpmLimit{2'000};

/// QEMU writes back its caches when it quits by itself. A guest that gave up its images has none, and its images are
/// another's by now: it is not given the occasion.
void ask_to_quit(Monitors& monitors, const model::GuestRef& guest) {
    const auto session = monitors.commands(guest, kGreetingLimit);
    if (session) (void)(*session)->execute_within(kQuitLimit, "quit");
}

Result<void> end_guest(const LifecycleParts& parts, const model::GuestRef& guest, const RunFolder& folder,
                       const seam::SpawnedProcess& process) {
    STASIS_TRY(const bool alive, parts.processes.alive(process));
    if (alive && kept_state(parts.files, folder) != KeptState::inactive) {
        ask_to_quit(parts.monitors, guest);
        if (parts.processes.wait_gone(process, kQuitLimit)) return {};
    }
    STASIS_CHECK(parts.processes.signal(process, SIGKILL));
    return parts.processes.wait_gone(process, kKillLimit);
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
    } else if (parts_.files.exists(folder.commands()).value_or(false)) {
        ask_to_quit(parts_.monitors, guest);  // the tool died before it wrote the record: such a guest has not run
    }
    return remove_run_folder(parts_.files, folder);
}

}  // namespace stasis::hypervisor::qemu
