// Saves during which QEMU gives up the images at the end: the guest stands still for all of it (stopped), or for the
// last part (precopy). Both end in an inactive guest, which then takes its images back.
#include <algorithm>
#include <optional>

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
constexpr Millis kForcedLimit{600'000};         // the rest, standing still, as long as it moves
constexpr Millis kContinueLimit{1'000};
constexpr Millis kEventLimit{5'000};
constexpr Millis kProgressEvery{100};

/// Ends a save that the user cancels or whose memory image fails: QEMU would wait for its reader for ever, since the
/// guard holds the pipe too.
class SaveWatch final : public MigrationWatch {
public:
    explicit SaveWatch(PauseContext& context) : context_(context) {}

    Result<void> look() override {
        if (context_.cancel != nullptr && context_.cancel->cancelled())
            return fail(ErrorKind::interrupted, "save guest memory", {}, "it was cancelled");
        return context_.stream->check();
    }
    void saw(const MigrationState& state) override {
        const auto now = context_.clock.steady();
        if (context_.progress == nullptr || (told_ && now - *told_ < kProgressEvery)) return;
        told_ = now;
        const std::uint64_t received = context_.stream->received_bytes();
        const std::uint64_t done = state.total == 0 ? received : std::min(received, state.total);
        context_.progress->progress({"saving memory", done, state.total});
    }

private:
    PauseContext& context_;
    std::optional<std::chrono::nanoseconds> told_;
};

/// How far an attempt has come, for its way back.
struct Reached {
    bool switched = false;    ///< disks have been, or may have been, switched
    bool last_part = false;   ///< QEMU may be giving up the images
};

Result<void> switch_disks(PauseContext& context, Reached& reached) {
    const Json actions = switch_actions(context.disks);
    if (actions["actions"].empty()) return {};
    const auto done = context.session.execute("transaction", actions);
    reached.switched = done || done.error().kind == ErrorKind::busy;  // no reply in time: the way back looks for itself
    STASIS_CHECK(done);
    return {};
}

Result<void> await_completed(PauseContext& context, SaveWatch& watch) {
    STASIS_TRY(const MigrationState state, await_migration_end(context.session, context.clock, watch, kSaveStall));
    if (state.status != "completed") return migration_error(state);
    return {};
}

/// A plain migration can be cancelled without harm, except that QEMU starts a guest that it has stopped itself, even
/// if the images are given up by then. In that part it is read to nowhere instead; little is left of it.
std::unexpected<Error> give_up_save(PauseContext& context, Error error, const Reached& reached) {
    context.stream->abandon();  // first: until somebody reads, QEMU may not answer
    if (!reached.last_part && !context.session.dead()) (void)context.session.execute("migrate_cancel");
    return give_up_instant(context, std::move(error), reached.switched);
}

/// Afterwards: images back, running or stopped as before. Returns the RESUME event's time of a guest that ran.
Result<std::optional<std::int64_t>> back_to_life(PauseContext& context) {
    if (!context.was_running) {
        STASIS_CHECK(context.control.take_images_back());
        return std::nullopt;
    }
    STASIS_CHECK(context.control.resume());
    const auto event = context.control.resume_event();
    return event ? std::optional(event->value) : std::nullopt;
}

std::optional<std::int64_t> pause_between(const std::optional<Event>& stop, std::optional<std::int64_t> resumed_us) {
    if (!stop || stop->timestamp_us == 0 || !resumed_us) return std::nullopt;
    return *resumed_us - stop->timestamp_us;
}

/// What both saves share: the save with its switch of disks, then the guest's return; undone together on any error.
class SavingSequence : public PauseSequence {
public:
    Result<Instant> run(PauseContext& context) final {
        Reached reached;
        if (auto saved = begin(context, reached); !saved)
            return give_up_save(context, std::move(saved).error(), reached);
        auto resumed_us = back_to_life(context);
        if (!resumed_us) return give_up_instant(context, std::move(resumed_us).error(), reached.switched);
        return Instant{pause_between(stop_, *resumed_us)};
    }

protected:
    virtual Result<void> save(PauseContext& context, Reached& reached) = 0;
    std::optional<Event> stop_;  ///< set by save() when the guest was running

private:
    Result<void> begin(PauseContext& context, Reached& reached) {
        // The save ends with the images given up: whoever comes after a death in between has to know.
        STASIS_CHECK(keep_state(context.files, context.folder, KeptState::inactive));
        context.session.forget_events();
        return save(context, reached);
    }
};

class StoppedSequence final : public SavingSequence {
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

private:
    Result<void> save(PauseContext& context, Reached& reached) override {
        if (context.was_running) {
            STASIS_CHECK(context.session.execute("stop"));
            STASIS_TRY(stop_, context.session.wait_event(is_stop, kEventLimit));
        }
        STASIS_CHECK(switch_disks(context, reached));
        STASIS_CHECK(start_migration(context.session));
        SaveWatch watch(context);
        return await_completed(context, watch);
    }
};

/// How long a guest that runs may go on writing while its memory is copied.
class Patience {
public:
    explicit Patience(seam::Clock& clock) : clock_(clock), moved_(clock.steady()), end_(moved_ + kPrecopyLimit) {}

    /// True, once, when the guest has to be stopped. busy: that has not helped, or nothing moves.
    Result<bool> ends_with(const MigrationState& state) {
        const auto now = clock_.steady();
        if (state.transferred != seen_) moved_ = now;
        seen_ = state.transferred;
        if (now - moved_ > kSaveStall || (stopped_ && now > end_))
            return fail(ErrorKind::busy, "save guest memory", "migration in state " + state.status,
                        stopped_ ? "it does not end, although the guest stands still" : "nothing moves");
        if (stopped_ || (state.rounds <= kPrecopyRoundsMax && now <= end_)) return false;
        stopped_ = true;
        end_ = now + kForcedLimit;
        return true;
    }

private:
    seam::Clock& clock_;
    std::chrono::nanoseconds moved_, end_;
    std::uint64_t seen_ = 0;
    bool stopped_ = false;
};

class PrecopySequence final : public SavingSequence {
public:
    MemoryMethod method() const override { return MemoryMethod::precopy; }

private:
    Result<void> save(PauseContext& context, Reached& reached) override {
        STASIS_CHECK(start_migration(context.session));
        SaveWatch watch(context);
        STASIS_CHECK(await_switchover(context, watch));
        STASIS_CHECK(switch_disks(context, reached));
        reached.last_part = true;
        STASIS_TRY(const std::int64_t id, context.session.send("migrate-continue", Json{{"state", "pre-switchover"}}));
        auto going_on = context.session.reply(id, "migrate-continue", kContinueLimit);
        // Refused, it has not begun. Not answered: QEMU is at it, and answers when somebody reads.
        reached.last_part = going_on || going_on.error().kind == ErrorKind::busy;
        if (!reached.last_part) return std::unexpected(std::move(going_on).error());
        return await_completed(context, watch);
    }

    /// Waits until QEMU has stopped the guest for the last part. STOP comes just before.
    Result<void> await_switchover(PauseContext& context, SaveWatch& watch) {
        Patience patience(context.clock);
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
            STASIS_TRY(const MigrationState state, watched_state(context.session, context.clock, watch, kSaveStall));
            if (state.status == "pre-switchover") return {};
            if (state.over()) return migration_error(state);
            STASIS_TRY(const bool enough, patience.ends_with(state));
            if (enough) STASIS_CHECK(context.session.execute("stop"));  // what remains is copied standing still
        }
    }
};

}  // namespace

std::unique_ptr<PauseSequence> make_stopped_sequence() { return std::make_unique<StoppedSequence>(); }
std::unique_ptr<PauseSequence> make_precopy_sequence() { return std::make_unique<PrecopySequence>(); }

}  // namespace stasis::hypervisor::qemu
