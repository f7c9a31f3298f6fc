// The guest stands still only while disks are switched and its memory is write-protected; memory streams out while it
// runs on.
#include "hypervisor/qemu/disk_switch.h"
#include "hypervisor/qemu/migration.h"
#include "hypervisor/qemu/pause_sequence.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr Millis kArmLimit{120'000};   // about 25 ms a GiB of resident memory
constexpr Millis kResumeLimit{10'000};
constexpr Millis kArmPoll{5};

class BackgroundSequence final : public PauseSequence {
public:
    explicit BackgroundSequence(bool resumes_by_itself) : resumes_by_itself_(resumes_by_itself) {}
    MemoryMethod method() const override { return MemoryMethod::background; }

    Result<Instant> run(PauseContext& context) override {
        context.session.forget_events();
        bool switched = false;
        if (auto done = stop_and_switch(context, switched); !done)
            return give_up_instant(context, std::move(done).error(), switched);
        if (auto started = start_migration(context.session); !started)
            return give_up_instant(context, std::move(started).error(), switched);
        auto instant = arm_and_resume(context);
        if (!instant) return give_up_instant(context, std::move(instant).error(), switched);
        return instant;
    }

private:
    /// Both commands are sent before the first reply is read: every round trip would lengthen the pause.
    Result<void> stop_and_switch(PauseContext& context, bool& switched) {
        QmpSession& session = context.session;
        const Json actions = switch_actions(context.disks);
        std::optional<std::int64_t> stop, transaction;
        if (context.was_running) {
            STASIS_TRY(stop, session.send("stop"));
        }
        if (!actions["actions"].empty()) {
            STASIS_TRY(transaction, session.send("transaction", actions));
        }
        const auto stopped = stop ? session.reply(*stop, "stop") : Result<Json>();
        const auto switching = transaction ? session.reply(*transaction, "transaction") : Result<Json>();
        // A reply that has not come in time tells nothing: the way back then looks for itself.
        switched = transaction && (switching || switching.error().kind == ErrorKind::busy);
        STASIS_CHECK(stopped);
        STASIS_CHECK(switching);
        if (!context.was_running) return {};
        STASIS_TRY(const auto event, session.wait_event(is_stop, kResumeLimit));
        if (event) stopped_us_ = event->timestamp_us;
        return {};
    }

    Result<Instant> arm_and_resume(PauseContext& context) {
        STASIS_TRY(auto resumed, resumes_by_itself_ ? wait_resume(context, kArmLimit) : wait_armed(context));
        if (!resumed && context.was_running) {
            STASIS_CHECK(context.session.execute("cont"));
            STASIS_TRY(resumed, wait_resume(context, kResumeLimit));
        }
        if (!context.was_running) return Instant{};
        if (!resumed || stopped_us_ == 0 || resumed->timestamp_us == 0)
            return fail(ErrorKind::failed, "take the instant", "the running guest", "QEMU reported no STOP or RESUME event");
        return Instant{resumed->timestamp_us - stopped_us_};
    }

    /// QEMU before 9: RESUME is the sign that write tracking stands.
    static Result<std::optional<Event>> wait_resume(PauseContext& context, Millis limit) {
        STASIS_TRY(auto event, context.session.wait_event(
            [](const Event& e) { return is_resume(e) || is_migration(e, {"failed", "cancelled"}); }, limit));
        if (event && is_resume(*event)) return event;
        return not_armed(context, event.has_value());
    }

    /// QEMU 9 and later: memory begins to come as soon as write tracking stands, and the vCPUs are ours to start.
    static Result<std::optional<Event>> wait_armed(PauseContext& context) {
        const auto deadline = context.clock.steady() + kArmLimit;
        while (!context.stream->wait_armed(kArmPoll)) {
            STASIS_TRY(const auto failed, context.session.wait_event(
                [](const Event& e) { return is_migration(e, {"failed", "cancelled"}); }, Millis(1)));
            if (failed || context.clock.steady() > deadline) return not_armed(context, failed.has_value());
        }
        return std::optional<Event>();
    }

    static std::unexpected<Error> not_armed(PauseContext& context, bool failed) {
        if (!failed) return fail(ErrorKind::failed, "track the guest's writes", "guest memory", "it did not begin in time");
        // It is over, but QEMU may have left memory protected, and may not even answer before that is lifted.
        (void)context.protection.lift(context.pid);
        STASIS_TRY(const MigrationState state, migration_state(context.session));
        return migration_error(state);
    }

    bool resumes_by_itself_;
    std::int64_t stopped_us_ = 0;
};

}  // namespace

std::unique_ptr<PauseSequence> make_background_sequence(bool resumes_by_itself) {
    return std::make_unique<BackgroundSequence>(resumes_by_itself);
}

}  // namespace stasis::hypervisor::qemu
