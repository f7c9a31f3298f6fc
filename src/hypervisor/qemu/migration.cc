#include "hypervisor/qemu/migration.h"

#include <algorithm>

#include "codec/qmp/json.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::integer_of;
using codec::qmp::member;
using codec::qmp::text_of;

namespace {

constexpr const char* kStreamName = "stasis-memory";
constexpr Millis kPoll{20};

Json capability(const char* name, bool state) { return {{"capability", name}, {"state", state}}; }

Json capabilities(MemoryMethod method) {
    return {{"capabilities",
             Json::array({capability("events", true), capability("background-snapshot", method == MemoryMethod::background),
                          capability("pause-before-switchover", method == MemoryMethod::precopy)})}};
}

}  // namespace

bool MigrationState::over() const {
    return status.empty() || status == "none" || status == "completed" || status == "failed" || status == "cancelled";
}

Result<void> set_up_migration(QmpSession& session, MemoryMethod method) {
    auto set = session.execute("migrate-set-capabilities", capabilities(method));
    if (!set && set.error().kind == ErrorKind::failed) set.error().kind = ErrorKind::unsupported;
    STASIS_CHECK(set);
    // 0: no limit. A save must not be throttled to what suits a network.
    STASIS_CHECK(session.execute("migrate-set-parameters", Json{{"max-bandwidth", 0}}));
    return {};
}

void reset_migration(QmpSession& session) {
    (void)session.execute("migrate-set-capabilities", capabilities(MemoryMethod::none));
}

Result<void> pass_stream(QmpSession& session, UniqueFd write_end) {
    const int descriptor = write_end.get();
    STASIS_CHECK(session.execute("getfd", Json{{"fdname", kStreamName}}, std::span(&descriptor, 1)));
    return {};
}

Result<void> start_migration(QmpSession& session) {
    auto started = session.execute("migrate", Json{{"uri", std::string("fd:") + kStreamName}});
    if (started) return {};
    (void)session.execute("closefd", Json{{"fdname", kStreamName}});  // so that the reader sees the end
    return std::unexpected(std::move(started).error());
}

Result<MigrationState> migration_state(QmpSession& session, Millis wait) {
    STASIS_TRY(const Json answer, session.execute_within(wait, "query-migrate"));
    MigrationState state{.status = text_of(answer, "status"), .error = text_of(answer, "error-desc")};
    if (const Json* ram = member(answer, "ram")) {
        state.transferred = static_cast<std::uint64_t>(integer_of(*ram, "transferred").value_or(0));
        state.rounds = static_cast<std::uint64_t>(integer_of(*ram, "dirty-sync-count").value_or(0));
    }
    return state;
}

Result<MigrationState> await_migration_end(QmpSession& session, seam::Clock& clock, Millis stall_limit) {
    std::uint64_t seen = 0;
    auto moved = clock.steady();
    while (true) {
        STASIS_TRY(const MigrationState state, migration_state(session));
        if (state.over()) return state;
        if (state.transferred != seen) {
            seen = state.transferred;
            moved = clock.steady();
        }
        if (clock.steady() - moved > stall_limit)
            return fail(ErrorKind::busy, "save guest memory", "migration in state " + state.status, "nothing has moved for " +
                        std::to_string(stall_limit.count()) + " ms");
        clock.sleep(kPoll);
    }
}

std::unexpected<Error> migration_error(const MigrationState& state) {
    return fail(ErrorKind::failed, "save guest memory", "migration in state " + state.status,
                state.error.empty() ? "QEMU gives no reason" : state.error);
}

}  // namespace stasis::hypervisor::qemu
