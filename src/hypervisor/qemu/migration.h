// QEMU's migration as a way to save memory: setting it up, starting it into a pipe, and seeing it end. Free functions
// over a session; one thread.
#pragma once

#include <cstdint>
#include <string>

#include <stasis/snapshot.h>

#include "base/unique_fd.h"
#include "hypervisor/qemu/qmp_session.h"
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
    std::uint64_t rounds = 0;  ///< passes over memory
    [[nodiscard]] bool over() const;
};
Result<MigrationState> migration_state(QmpSession& session, Millis wait = Millis(30'000));

/// Polls until it is over. busy: nothing moved for `stall_limit`.
Result<MigrationState> await_migration_end(QmpSession& session, seam::Clock& clock, Millis stall_limit);

/// An error for a migration that ended in any other way than completed.
[[nodiscard]] std::unexpected<Error> migration_error(const MigrationState& state);

}  // namespace stasis::hypervisor::qemu
