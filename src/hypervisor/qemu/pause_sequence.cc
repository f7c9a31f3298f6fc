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
        if (!switched) {
            const bool unknown = switched.error().kind == ErrorKind::busy;  // no reply in time
            return give_up_instant(context, std::move(switched).error(), unknown);
        }
        return Instant{};  // vCPUs are not stopped for it
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

namespace {

/// The guest stands still meanwhile: what it wrote to an overlay after that has been folded would be lost, and what it
/// writes to the layer below would be overwritten if the overlay, stale by then, were folded once more after a crash.
/// So nothing of the overlays is left when it runs again.
Result<void> disks_back(PauseContext& context) {
    STASIS_CHECK(context.control.pause());
    auto switched = switch_back(context.session, context.clock, context.disks);
    auto discarded = discard_overlays(context.session, context.files, context.disks);
    return switched ? discarded : switched;
}

Result<void> guest_back(PauseContext& context) {
    if (context.was_running) {
        STASIS_CHECK(context.control.resume());
        return {};
    }
    if (kept_state(context.files, context.folder) != KeptState::inactive) return {};
    return context.control.take_images_back();
}

}  // namespace

std::unexpected<Error> give_up_instant(PauseContext& context, Error error, bool disks_switched) {
    if (context.stream != nullptr) {
        context.stream->abandon();
        const GivenUp given_up = give_up_migration(context.session, context.clock, context.protection, context.pid, kSettleStall);
        error = reason_to_report(std::move(error), given_up, context.session.dead());
    }
    if (context.session.dead()) return std::unexpected(std::move(error));
    const auto disks = disks_switched ? disks_back(context) : Result<void>();
    const auto guest = guest_back(context);
    if (!disks) error.why += "; and the disks could not be switched back: " + disks.error().render();
    if (!guest) error.why += "; and the guest could not be brought back to its state: " + guest.error().render();
    return std::unexpected(std::move(error));
}

}  // namespace stasis::hypervisor::qemu
