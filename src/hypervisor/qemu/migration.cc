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
constexpr Millis kSlice{100};           // how long the watch looks away
constexpr Millis kSilence{3'000};       // a main loop asleep on protected memory does not answer

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

namespace {

MigrationState state_from(const Json& answer) {
    MigrationState state{.status = text_of(answer, "status"), .error = text_of(answer, "error-desc")};
    if (const Json* ram = member(answer, "ram")) {
        state.transferred = static_cast<std::uint64_t>(integer_of(*ram, "transferred").value_or(0));
        state.total = static_cast<std::uint64_t>(integer_of(*ram, "total").value_or(0));
        state.rounds = static_cast<std::uint64_t>(integer_of(*ram, "dirty-sync-count").value_or(0));
    }
    return state;
}

/// Frees the guest's memory when QEMU is silent: its main loop may wait for just that.
class FreeingWatch final : public MigrationWatch {
public:
    FreeingWatch(WriteProtection& protection, std::int64_t pid) : protection_(protection), pid_(pid) {}
    void silent() override { (void)protection_.lift(pid_); }  // the outcome is seen when the migration is over

private:
    WriteProtection& protection_;
    std::int64_t pid_;
};

}  // namespace

Result<MigrationState> migration_state(QmpSession& session, Millis wait) {
    STASIS_TRY(const Json answer, session.execute_within(wait, "query-migrate"));
    return state_from(answer);
}

/// QEMU shows the capability in its list; that command works in any state.
bool is_background(QmpSession& session) {
    const auto known = session.execute_within(kSilence, "query-migrate-capabilities");
    if (!known) return true;  // the careful assumption
    for (const Json& entry : codec::qmp::as_list(*known))
        if (text_of(entry, "capability") == "background-snapshot") return codec::qmp::flag_of(entry, "state");
    return false;
}

Result<Json> execute_watched(QmpSession& session, seam::Clock& clock, MigrationWatch& watch, const std::string& command,
                             Json arguments, Millis limit) {
    STASIS_TRY(const std::int64_t id, session.send(command, std::move(arguments)));
    const auto asked = clock.steady();
    auto heard = asked;
    while (true) {
        STASIS_CHECK(watch.look());
        auto answer = session.reply(id, command, kSlice);
        if (answer || answer.error().kind != ErrorKind::busy || session.dead()) return answer;
        const auto now = clock.steady();
        if (now - asked > limit) return answer;
        if (now - heard <= kSilence) continue;
        watch.silent();
        heard = now;
    }
}

Result<MigrationState> watched_state(QmpSession& session, seam::Clock& clock, MigrationWatch& watch, Millis limit) {
    STASIS_TRY(const Json answer, execute_watched(session, clock, watch, "query-migrate", nullptr, limit));
    MigrationState state = state_from(answer);
    watch.saw(state);
    return state;
}

Result<MigrationState> await_migration_end(QmpSession& session, seam::Clock& clock, MigrationWatch& watch,
                                           Millis stall_limit) {
    std::uint64_t seen = 0;
    auto moved = clock.steady();
    while (true) {
        STASIS_TRY(const MigrationState state, watched_state(session, clock, watch, stall_limit));
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

Result<void> free_memory(QmpSession& session, WriteProtection& protection, std::int64_t pid) {
    auto lifted = protection.lift(pid);
    if (lifted || session.dead() || !is_background(session)) return {};
    const auto state = migration_state(session, kSilence);
    if (session.dead() || (state && (state->status.empty() || state->status == "none" || state->status == "completed")))
        return {};
    return std::unexpected(std::move(lifted).error());
}

GivenUp give_up_migration(QmpSession& session, seam::Clock& clock, WriteProtection& protection, std::int64_t pid,
                          Millis stall_limit) {
    FreeingWatch watch(protection, pid);
    GivenUp given_up{.end = await_migration_end(session, clock, watch, stall_limit), .freed = {}};
    given_up.freed = free_memory(session, protection, pid);
    // With the capability in place the next command can tell that there is memory to be freed.
    if (given_up.freed && !session.dead()) reset_migration(session);
    return given_up;
}

Error reason_to_report(Error ours, const GivenUp& given_up, bool qemu_gone) {
    const bool surely_ours = ours.kind == ErrorKind::interrupted || ours.kind == ErrorKind::no_space;
    Error reported = ours;
    if (!surely_ours && qemu_gone && !given_up.end) {
        reported = given_up.end.error();
        reported.cause = std::make_shared<const Error>(std::move(ours));
    } else if (!surely_ours && given_up.end && given_up.end->status == "failed") {
        reported = migration_error(*given_up.end).error();
        reported.cause = std::make_shared<const Error>(std::move(ours));
    }
    if (given_up.freed) return reported;
    reported.why += "; and the guest's memory is still write-protected: " + given_up.freed.error().render();
    if (reported.next.empty()) reported.next = "run as root, or destroy the guest";
    return reported;
}

}  // namespace stasis::hypervisor::qemu
