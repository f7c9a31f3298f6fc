// Saves during which QEMU gives up the images at the end: the guest stands still for all of it (stopped), or for the
// last part (precopy). Both end in an inactive guest, which then takes its images back.
#include "hypervisor/qemu/disk_switch.h"
#include "hypervisor/qemu/latch.h"
#include "hypervisor/qemu/migration.h"
#include "hypervisor/qemu/pause_sequence.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr Millis kSaveStall{120'000};           // a slow target may take its time for one piece
constexpr Millis kPrecopyPoll{200};
constexpr std::uint64_t kPrecopyRoundsMax = 30; // a guest that writes faster than we save never converges
constexpr Millis kPrecopyLimit{600'000};
constexpr Millis kEventLimit{5'000};

Result<void> switch_disks(PauseContext& context, bool& switched) {
    const Json actions = switch_actions(context.disks);
    if (actions["actions"].empty()) return {};
    STASIS_CHECK(context.session.execute("transaction", actions));
    switched = true;
    return {};
}

Result<void> await_completed(PauseContext& context) {
    STASIS_TRY(const MigrationState state, await_migration_end(context.session, context.clock, kSaveStall));
    if (state.status != "completed") return migration_error(state);
    return {};
}

/// A plain migration can be cancelled at any time without harm.
std::unexpected<Error> give_up_save(PauseContext& context, Error error, bool switched) {
    if (!context.session.dead()) {
        context.stream->abandon();
        (void)context.session.execute("migrate_cancel");
    }
    return give_up_instant(context, std::move(error), switched);
}

/// Afterwards: images back, running or stopped as before. Returns the RESUME time of a guest that ran.
Result<std::optional<std::int64_t>> back_to_life(PauseContext& context) {
    if (!context.was_running) {
        STASIS_CHECK(context.control.take_images_back());
        return std::nullopt;
    }
    STASIS_TRY(const UnixMicros resumed, context.control.resume());
    return resumed.value;
}

std::optional<std::int64_t> pause_between(const std::optional<Event>& stop, std::optional<std::int64_t> resumed_us) {
    if (!stop || stop->timestamp_us == 0 || !resumed_us) return std::nullopt;
    return *resumed_us - stop->timestamp_us;
}

class StoppedSequence final : public PauseSequence {
public:
    MemoryMethod method() const override { return MemoryMethod::stopped; }

    Result<void> prepare(PauseContext& context) override {
        if (context.was_running) return {};
        STASIS_TRY(const std::string state, context.control.run_state());
        if (state == "postmigrate") {
            // QEMU saves a guest that has not run since its last save only once. It runs for the moment between
            // these two commands, before the instant that is taken.
            STASIS_CHECK(context.session.execute("cont"));
            STASIS_CHECK(context.session.execute("stop"));
        }
        if (switches_images_by_command(context.session.version())) return {};
        return close_latch(context.session, context.files, context.folder);
    }

    Result<Instant> run(PauseContext& context) override {
        bool switched = false;
        auto saved = save(context, switched);
        if (!saved) return give_up_save(context, std::move(saved).error(), switched);
        STASIS_TRY(const auto resumed_us, back_to_life(context));
        return Instant{pause_between(stop_, resumed_us)};
    }

private:
    Result<void> save(PauseContext& context, bool& switched) {
        STASIS_CHECK(keep_state(context.files, context.folder, KeptState::inactive));
        context.session.forget_events();
        if (context.was_running) {
            STASIS_CHECK(context.session.execute("stop"));
            STASIS_TRY(stop_, context.session.wait_event(is_stop, kEventLimit));
        }
        STASIS_CHECK(switch_disks(context, switched));
        STASIS_CHECK(start_migration(context.session));
        return await_completed(context);
    }

    std::optional<Event> stop_;
};

class PrecopySequence final : public PauseSequence {
public:
    MemoryMethod method() const override { return MemoryMethod::precopy; }

    Result<Instant> run(PauseContext& context) override {
        bool switched = false;
        auto saved = save(context, switched);
        if (!saved) return give_up_save(context, std::move(saved).error(), switched);
        STASIS_TRY(const auto resumed_us, back_to_life(context));
        return Instant{pause_between(stop_, resumed_us)};
    }

private:
    Result<void> save(PauseContext& context, bool& switched) {
        STASIS_CHECK(keep_state(context.files, context.folder, KeptState::inactive));
        context.session.forget_events();
        STASIS_CHECK(start_migration(context.session));
        STASIS_CHECK(await_switchover(context));
        STASIS_CHECK(switch_disks(context, switched));
        STASIS_CHECK(context.session.execute("migrate-continue", Json{{"state", "pre-switchover"}}));
        return await_completed(context);
    }

    /// Waits until QEMU has stopped the guest for the last part. STOP comes just before.
    Result<void> await_switchover(PauseContext& context) {
        const auto deadline = context.clock.steady() + kPrecopyLimit;
        bool forced = false;
        while (true) {
            STASIS_TRY(auto event, context.session.wait_event(
                [](const Event& e) {
                    return is_stop(e) || is_migration(e, {"pre-switchover", "completed", "failed", "cancelled"});
                },
                kPrecopyPoll));
            if (event && is_stop(*event)) {
                stop_ = std::move(event);
                continue;
            }
            STASIS_TRY(const MigrationState state, migration_state(context.session));
            if (state.status == "pre-switchover") return {};
            if (state.over()) return migration_error(state);
            const bool late = state.rounds > kPrecopyRoundsMax || context.clock.steady() > deadline;
            if (!late || forced) continue;
            forced = true;  // what remains is copied standing still
            STASIS_CHECK(context.session.execute("stop"));
        }
    }

    std::optional<Event> stop_;
};

}  // namespace

std::unique_ptr<PauseSequence> make_stopped_sequence() { return std::make_unique<StoppedSequence>(); }
std::unique_ptr<PauseSequence> make_precopy_sequence() { return std::make_unique<PrecopySequence>(); }

}  // namespace stasis::hypervisor::qemu
