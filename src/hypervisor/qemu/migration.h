// QEMU's migration as a way to save memory: setting it up, starting it into a pipe, and seeing it end. Free functions
// over a session; one thread.
#pragma once

#include <cstdint>
#include <string>

#include <stasis/snapshot.h>

#include "base/unique_fd.h"
#include "hypervisor/qemu/qmp_session.h"
#include "hypervisor/qemu/write_protection.h"
#include "seam/clock.h"

namespace stasis::hypervisor::qemu {

/// Sets capabilities and parameters for a method. unsupported: QEMU says that it cannot (its words are the reason).
Result<void> set_up_migration(QmpSession& session, MemoryMethod method);
/// Back to what a plain migration expects. Errors are of no consequence.
void reset_migration(QmpSession& session);

/// Hands the write end to QEMU; it is closed here in any case.
Result<void> pass_stream(QmpSession& session, UniqueFd write_end);
/// Starts the migration into the stream that was passed.
Result<void> start_migration(QmpSession& session);

struct MigrationState {
    std::string status;        ///< "none", "setup", "active", "pre-switchover", "device", "completed", "failed", ...
    std::string error;         ///< QEMU's words when it failed
    std::uint64_t transferred = 0;
    std::uint64_t total = 0;   ///< guest memory; some of it may be transferred more than once
    std::uint64_t rounds = 0;  ///< passes over memory
    [[nodiscard]] bool over() const;
};
Result<MigrationState> migration_state(QmpSession& session, Millis wait = Millis(30'000));
/// Whether the migration that is set up is a background snapshot; true when QEMU does not tell.
[[nodiscard]] bool is_background(QmpSession& session);

/// Looks on while a migration is waited for, several times a second even if QEMU does not answer: it does not while
/// it writes the last part of memory into a pipe that nobody reads.
class MigrationWatch {
public:
    virtual ~MigrationWatch() = default;
    virtual Result<void> look() { return {}; }         ///< an error ends the wait
    virtual void saw(const MigrationState&) {}
    virtual void silent() {}                           ///< QEMU has not answered for some seconds
};
/// Asks once. busy: no answer within `limit`.
Result<MigrationState> watched_state(QmpSession& session, seam::Clock& clock, MigrationWatch& watch, Millis limit);
/// Polls until it is over. busy: nothing moved for `stall_limit`.
Result<MigrationState> await_migration_end(QmpSession& session, seam::Clock& clock, MigrationWatch& watch,
                                           Millis stall_limit);
/// Any command, the watch looking on.
Result<Json> execute_watched(QmpSession& session, seam::Clock& clock, MigrationWatch& watch, const std::string& command,
                             Json arguments, Millis limit);

/// An error for a migration that ended in any other way than completed.
[[nodiscard]] std::unexpected<Error> migration_error(const MigrationState& state);

/// What became of a migration that was given up.
struct GivenUp {
    Result<MigrationState> end;
    Result<void> freed;        ///< an error: the guest's memory may be write-protected for ever
};
/// Waits out a migration whose stream goes nowhere by now, frees guest memory that QEMU leaves write-protected, and
/// makes migration ready for the next.
GivenUp give_up_migration(QmpSession& session, seam::Clock& clock, WriteProtection& protection, std::int64_t pid,
                          Millis stall_limit);
/// Frees the guest's memory once a migration is over. An error: a background snapshot has left some write-protected,
/// or may have, and that cannot be helped from here.
Result<void> free_memory(QmpSession& session, WriteProtection& protection, std::int64_t pid);
/// The error to report: ours, unless QEMU, or its log, knows better why the stream ended. Says if memory is not free.
[[nodiscard]] Error reason_to_report(Error ours, const GivenUp& given_up, bool qemu_gone);

}  // namespace stasis::hypervisor::qemu
