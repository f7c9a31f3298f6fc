// What a tool that died left going on in a guest. A plain migration is cancelled. A background snapshot must not be:
// it is let run out (the guard reads it to nowhere), and only when nothing reads it any more is it broken off and the
// guest's memory freed from outside.
#include "codec/qmp/json.h"
#include "hypervisor/qemu/capture.h"
#include "hypervisor/qemu/latch.h"
#include "hypervisor/qemu/migration.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr Millis kAnswerLimit{3'000};   // a main loop that sleeps on protected memory does not answer
constexpr Millis kStallLimit{3'000};
constexpr Millis kPoll{50};
constexpr int kSilencesMax = 5;

/// QEMU does not answer; if its memory could not be freed, that is why.
Error with_reason(Error silent, const Result<bool>& freed) {
    if (freed) return silent;
    silent.why += "; its memory may be write-protected, and that could not be lifted: " + freed.error().render();
    silent.next = freed.error().next;
    return silent;
}

class Ending {
public:
    Ending(QmpSession& session, seam::Clock& clock, WriteProtection& protection, std::int64_t pid)
        : session_(session), clock_(clock), protection_(protection), pid_(pid), moved_(clock.steady()) {}

    Result<void> run() {
        while (true) {
            auto state = migration_state(session_, kAnswerLimit);
            if (!state && state.error().kind == ErrorKind::busy && ++silences_ <= kSilencesMax) {
                freed_ = protection_.lift(pid_);
                continue;
            }
            if (!state) return std::unexpected(with_reason(std::move(state).error(), freed_));
            if (state->over()) return {};
            STASIS_CHECK(look_at(*state));
            clock_.sleep(kPoll);
        }
    }

private:
    Result<void> look_at(const MigrationState& state) {
        if (state.transferred != seen_) {
            seen_ = state.transferred;
            moved_ = clock_.steady();
        }
        const bool stalled = clock_.steady() - moved_ > kStallLimit;
        if (cancelled_ && stalled)
            return fail(ErrorKind::busy, "end a capture that was left behind", "migration in state " + state.status,
                        "QEMU does not let go of it", "destroy the guest if it does not run");
        // The last part of a plain one, in which the images are given up, is short, and breaking it off is dangerous.
        if (cancelled_ || (!stalled && (state.status == "device" || is_background(session_)))) return {};
        cancelled_ = true;
        moved_ = clock_.steady();
        (void)session_.execute_within(kAnswerLimit, "migrate_cancel");
        return {};
    }

    QmpSession& session_;
    seam::Clock& clock_;
    WriteProtection& protection_;
    std::int64_t pid_;
    std::chrono::nanoseconds moved_;
    std::uint64_t seen_ = 0;
    Result<bool> freed_ = false;
    int silences_ = 0;
    bool cancelled_ = false;
};

}  // namespace

Result<void> QemuCapture::abandon(const model::GuestRef& guest) {
    STASIS_TRY(const bool dead, gone(guest));
    if (dead) return {};
    const RunFolder folder = run_folder(parts_.root, guest);
    STASIS_TRY(const GuestRecord record, read_record(parts_.files, folder));
    auto opened = parts_.monitors.commands(guest, kAnswerLimit);
    if (!opened && opened.error().kind == ErrorKind::busy) {
        const auto freed = parts_.protection.lift(record.process.pid);  // a main loop asleep on protected memory
        opened = parts_.monitors.commands(guest);
        if (!opened) return std::unexpected(with_reason(std::move(opened).error(), freed));
    }
    STASIS_TRY(const auto session, std::move(opened));
    STASIS_CHECK(Ending(*session, parts_.clock, parts_.protection, record.process.pid).run());
    STASIS_CHECK(free_memory(*session, parts_.protection, record.process.pid));
    if (kept_state(parts_.files, folder) == KeptState::inactive) {
        // A save that is cancelled before its last part leaves a guest that runs and has its images.
        STASIS_TRY(const Json status, session->execute("query-status"));
        if (codec::qmp::text_of(status, "status") == "running")
            STASIS_CHECK(keep_state(parts_.files, folder, KeptState::running));
    }
    if (kept_state(parts_.files, folder) != KeptState::inactive) open_latch(*session, parts_.files, folder);
    reset_migration(*session);
    return {};
}

}  // namespace stasis::hypervisor::qemu
