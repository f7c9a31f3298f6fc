#include "hypervisor/qemu/pause_sequence.h"

#include <algorithm>

#include "codec/qmp/json.h"
#include "hypervisor/qemu/disk_switch.h"
#include "hypervisor/qemu/migration.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr Millis kSettleStall{10'000};
/// From this version on a background snapshot leaves the vCPUs as they were; before, it starts them once it is armed.
constexpr codec::qmp::Version kKeepsRunState{9, 0, 0};

class DiskOnlySequence final : public PauseSequence {
public:
    MemoryMethod method() const override { return MemoryMethod::none; }
    Result<Instant> run(PauseContext& context) override {
        auto switched = context.session.execute("transaction", switch_actions(context.disks));
        if (!switched) return give_up_instant(context, std::move(switched).error(), false);
        return Instant{context.was_running ? std::optional<std::int64_t>(0) : std::nullopt};
    }
};

}  // namespace

std::unique_ptr<PauseSequence> make_disk_only_sequence() { return std::make_unique<DiskOnlySequence>(); }

std::unique_ptr<PauseSequence> choose_pause_sequence(MemoryMethod wanted, bool was_running,
                                                     const codec::qmp::Version& version) {
    const bool keeps_run_state = version >= kKeepsRunState;
    if (wanted == MemoryMethod::none) return make_disk_only_sequence();
    if (wanted == MemoryMethod::background && (was_running || keeps_run_state))
        return make_background_sequence(!keeps_run_state);
    if (wanted == MemoryMethod::precopy && was_running) return make_precopy_sequence();
    return make_stopped_sequence();
}

bool is_stop(const Event& event) { return event.name == "STOP"; }
bool is_resume(const Event& event) { return event.name == "RESUME"; }

bool is_migration(const Event& event, std::initializer_list<std::string_view> states) {
    return event.name == "MIGRATION" && std::ranges::find(states, codec::qmp::text_of(event.data, "status")) != states.end();
}

void settle_migration(PauseContext& context) {
    (void)await_migration_end(context.session, context.clock, kSettleStall);
    (void)context.protection.lift(context.pid);
    reset_migration(context.session);
}

std::unexpected<Error> give_up_instant(PauseContext& context, Error error, bool disks_switched) {
    if (context.session.dead()) return std::unexpected(std::move(error));
    if (context.stream != nullptr) {
        context.stream->abandon();
        settle_migration(context);
    }
    Result<void> undone;
    if (disks_switched) undone = switch_back(context.session, context.clock, context.disks);
    Result<void> state;
    if (context.was_running) {
        if (auto resumed = context.control.resume(); !resumed) state = std::unexpected(std::move(resumed).error());
    } else if (kept_state(context.files, context.folder) == KeptState::inactive) {
        state = context.control.take_images_back();
    }
    if (!undone) error.why += "; and the disks could not be switched back: " + undone.error().render();
    if (!state) error.why += "; and the guest could not be brought back to its state: " + state.error().render();
    return std::unexpected(std::move(error));
}

}  // namespace stasis::hypervisor::qemu
