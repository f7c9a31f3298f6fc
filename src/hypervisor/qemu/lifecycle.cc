#include "hypervisor/qemu/lifecycle.h"

#include "codec/qmp/json.h"
#include "hypervisor/qemu/commit_job.h"
#include "hypervisor/qemu/guest_control.h"
#include "hypervisor/qemu/incoming.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr Millis kStatusLimit{1'000};  // for the greeting and for each of two replies
constexpr Millis kDyingLimit{2'000};   // a process whose first thread is gone may hold image locks until the last is

}  // namespace

DomainState domain_state(std::string_view run_state) {
    if (run_state == "running" || run_state == "suspended") return DomainState::running;
    if (run_state == "internal-error" || run_state == "guest-panicked") return DomainState::crashed;
    return DomainState::paused;  // however it came to stand still: its process and memory are there
}

Result<model::GuestStatus> QemuLifecycle::status(const model::GuestRef& guest) {
    const RunFolder folder = run_folder(parts_.root, guest);
    const auto record = read_record(parts_.files, folder);
    if (!record && record.error().kind == ErrorKind::not_found) return model::GuestStatus{};
    STASIS_CHECK(record);
    STASIS_TRY(const bool alive, parts_.processes.alive(record->process));
    if (!alive) {
        (void)parts_.processes.wait_gone(record->process, kDyingLimit);
        return model::GuestStatus{};
    }
    model::GuestStatus status{.pid = record->process.pid, .accelerator = record->accelerator,
                              .hypervisor_version = record->version, .machine = record->machine};
    // If QEMU is too busy to answer, what the tool last did to the guest is the best answer there is.
    status.state = kept_state(parts_.files, folder) == KeptState::running ? DomainState::running : DomainState::paused;
    const auto session = parts_.monitors.queries(guest, kStatusLimit);
    const auto answer = session ? (*session)->execute("query-status") : Result<Json>(std::unexpected(session.error()));
    if (answer) status.state = domain_state(codec::qmp::text_of(*answer, "status"));
    if (!answer && !parts_.processes.alive(record->process).value_or(true)) {
        (void)parts_.processes.wait_gone(record->process, kDyingLimit);
        return model::GuestStatus{};
    }
    return status;
}

Result<void> QemuLifecycle::pause(const model::GuestRef& guest) {
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    return GuestControl(*session, parts_.files, parts_.clock, run_folder(parts_.root, guest)).pause();
}

Result<UnixMicros> QemuLifecycle::resume(const model::GuestRef& guest) {
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    return GuestControl(*session, parts_.files, parts_.clock, run_folder(parts_.root, guest)).resume();
}

Result<void> QemuLifecycle::park(const model::GuestRef& guest) {
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    STASIS_CHECK(end_merge_jobs(*session, parts_.clock));  // of a dead tool: QEMU keeps the images while one goes on
    return GuestControl(*session, parts_.files, parts_.clock, run_folder(parts_.root, guest)).park();
}

Result<port::RestoreReport> QemuLifecycle::load_memory(const model::GuestRef& guest, const std::string& path,
                                                       ProgressSink* progress, const CancelToken* cancel) {
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    STASIS_TRY(const auto totals, load_incoming(*session, parts_.files, path, progress, cancel));
    return port::RestoreReport{totals.guest_bytes};
}

Result<void> QemuLifecycle::request_shutdown(const model::GuestRef& guest) {
    STASIS_TRY(const auto session, parts_.monitors.commands(guest));
    STASIS_CHECK(session->execute("system_powerdown"));
    return {};
}

Result<std::string> QemuLifecycle::resolve_machine(const std::string& emulator, const std::string& arch,
                                                   const std::string& machine) {
    return parts_.emulators.resolve_machine(emulator, arch, machine);
}

}  // namespace stasis::hypervisor::qemu
