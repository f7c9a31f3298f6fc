#include "hypervisor/qemu/guest_control.h"

#include "codec/qmp/json.h"
#include "hypervisor/qemu/latch.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::list_of;
using codec::qmp::text_of;

namespace {

constexpr Millis kResumeEventLimit{10'000};

}  // namespace

bool switches_images_by_command(const codec::qmp::Version& version) { return version >= codec::qmp::Version{10, 0, 0}; }

Result<std::string> GuestControl::run_state() {
    STASIS_TRY(const Json status, session_.execute("query-status"));
    return text_of(status, "status");
}

Result<void> GuestControl::pause() {
    if (kept_state(files_, folder_) == KeptState::inactive) {
        STASIS_TRY(const std::string state, run_state());
        if (state != "running") return take_images_back();
    }
    // Kept before it is done: on a full disk the guest must not be left standing by a pause that failed.
    STASIS_CHECK(keep_state(files_, folder_, KeptState::paused));
    auto stopped = session_.execute("stop");
    if (stopped) return {};
    (void)keep_state(files_, folder_, KeptState::running);
    return std::unexpected(std::move(stopped).error());
}

Result<UnixMicros> GuestControl::resume() {
    const bool inactive = kept_state(files_, folder_) == KeptState::inactive;
    STASIS_TRY(const std::string state, run_state());
    resume_event_.reset();
    UnixMicros resumed = clock_.now();
    if (state != "running") {
        if (inactive) open_latch(session_, files_, folder_);
        session_.forget_events();
        STASIS_CHECK(session_.execute("cont"));
        resumed = clock_.now();
        STASIS_CHECK(await_resume());
        if (resume_event_) resumed = *resume_event_;
    }
    // The guest runs: that this could not be kept, say on a full disk, does not make it a failure. Whoever reads a stale
    // word asks QEMU as well.
    (void)keep_state(files_, folder_, KeptState::running);
    return resumed;
}

/// A guest that did not come to run although `cont` was accepted has not been resumed.
Result<void> GuestControl::await_resume() {
    STASIS_TRY(const auto event, session_.wait_event([](const Event& e) { return e.name == "RESUME"; }, kResumeEventLimit));
    if (event && event->timestamp_us > 0) resume_event_ = UnixMicros{event->timestamp_us};
    if (event) return {};
    STASIS_TRY(const std::string state, run_state());
    if (state == "running" || state == "suspended") return {};
    return fail(ErrorKind::failed, "let the guest run", folder_.path, "QEMU accepted it, but the guest is in state " + state);
}

/// A device that cannot be migrated makes QEMU 7.2 crash when its state is asked for, so ask first.
Result<void> GuestControl::check_parkable() {
    STASIS_TRY(const Json migration, session_.execute("query-migrate"));
    std::string reasons;
    for (const Json& reason : list_of(migration, "blocked-reasons"))
        if (reason.is_string()) reasons += (reasons.empty() ? "" : "; ") + reason.get<std::string>();
    if (reasons.empty()) return {};
    return fail(ErrorKind::unsupported, "make the guest give up its images", folder_.path, reasons,
                "shut the guest down first");
}

Result<void> GuestControl::give_up_images() {
    if (switches_images_by_command(session_.version())) {
        STASIS_CHECK(session_.execute("blockdev-set-active", Json{{"active", false}}));
        return {};
    }
    STASIS_CHECK(close_latch(session_, files_, folder_));
    // What Xen's toolstack uses before it hands images to another host: the state itself goes nowhere.
    STASIS_CHECK(session_.execute("xen-save-devices-state", Json{{"filename", "/dev/null"}, {"live", true}}));
    return {};
}

Result<void> GuestControl::park() {
    STASIS_TRY(const std::string before, run_state());
    // A guest that runs has its images, whatever was kept: its tool may have died before it gave them up.
    const bool runs = before == "running";
    if (!runs && kept_state(files_, folder_) == KeptState::inactive) return {};
    STASIS_CHECK(check_parkable());
    STASIS_CHECK(session_.execute("stop"));
    // Kept before it is done: if this process dies in between, a guest wrongly believed to be parked is harmless,
    // one parked twice is lost.
    auto parked = keep_state(files_, folder_, KeptState::inactive);
    const bool kept = parked.has_value();
    if (kept) parked = give_up_images();
    if (parked) return {};
    if (auto back = undo_park(runs, kept); !back)
        parked.error().why += "; and the guest could not be brought back to its state: " + back.error().render();
    return parked;
}

Result<void> GuestControl::undo_park(bool was_running, bool kept) {
    if (kept) open_latch(session_, files_, folder_);
    if (was_running) STASIS_CHECK(resume());
    if (!was_running && kept) return take_images_back();
    return {};
}

Result<void> GuestControl::take_images_back() {
    if (switches_images_by_command(session_.version())) {
        STASIS_CHECK(session_.execute("blockdev-set-active", Json{{"active", true}}));
        return keep_state(files_, folder_, KeptState::paused);
    }
    auto refused = session_.execute("cont");
    if (refused) {
        STASIS_CHECK(session_.execute("stop"));  // no latch was in place: the tool died while parking
    } else if (!refused_by_latch(refused.error())) {
        return fail_because(std::move(refused).error(), "make the guest take its images back", folder_.path,
                            "end what else uses them, and try again");
    }
    open_latch(session_, files_, folder_);
    return keep_state(files_, folder_, KeptState::paused);
}

}  // namespace stasis::hypervisor::qemu
