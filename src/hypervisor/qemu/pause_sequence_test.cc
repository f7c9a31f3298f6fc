// The order within the pause, and that every failure leaves the guest and its disks as they were.
#include "hypervisor/qemu/pause_sequence.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hypervisor/qemu/fake_monitor_for_test.h"
#include "hypervisor/qemu/migration.h"
#include "seam/testing/memory_file_system.h"

namespace stasis::hypervisor::qemu {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class NoProtection final : public WriteProtection {
public:
    Result<bool> lift(std::int64_t) override {
        ++lifted;
        if (denied) return fail(ErrorKind::denied, "lift", "qemu", "no right to");
        return false;
    }
    int lifted = 0;
    bool denied = false;
};

class KeptProgress final : public ProgressSink {
public:
    void progress(const Progress& state) override { totals.push_back(state.total_bytes); }
    void note(std::string_view) override {}
    std::vector<std::uint64_t> totals;
};

class PauseSequenceTest : public testing::Test {
protected:
    PauseSequenceTest() {
        qemu_.active = {{"vda", "vda-1"}, {"vdb", "vdb-2"}};
        disks_ = {{target("vda"), DiskMode::external, {1}, {10}, ""}, {target("vdb"), DiskMode::internal, {2}, {}, "s"}};
        (void)files_.make_folders("/run/g");
        (void)files_.make_folders("/snap");
    }
    static DiskTarget target(const char* name) { return *DiskTarget::parse(name); }

    /// What capture() does around a sequence.
    Result<Instant> take(MemoryMethod wanted) {
        auto session = QmpSession::open(qemu_.connect(), clock_, {.log_tail = [] { return std::string("boom"); }});
        if (!session) return std::unexpected(session.error());
        GuestControl control(**session, files_, clock_, folder_);
        PauseContext context{.session = **session, .control = control, .files = files_, .clock = clock_, .folder = folder_,
                             .disks = disks_, .was_running = qemu_.run_state == "running", .protection = protection_, .pid = 1,
                             .progress = &progress_, .cancel = &cancel_};
        const auto sequence = choose_pause_sequence(wanted, context.was_running, (*session)->version());
        method_ = sequence->method();
        std::unique_ptr<MemoryStream> stream;
        if (wanted != MemoryMethod::none) {
            STASIS_CHECK(set_up_migration(**session, method_));
            STASIS_CHECK(sequence->prepare(context));
            STASIS_TRY(stream, MemoryStream::open(files_, {.path = "/snap/m.save"}));
            STASIS_CHECK(pass_stream(**session, stream->take_write_end()));
            context.stream = stream_ = stream.get();
        }
        qemu_.commands.clear();
        begun_ = clock_.steady();
        return sequence->run(context);
    }
    void expect_disks_as_before() {
        EXPECT_EQ(qemu_.active["vda"], "vda-1");
        EXPECT_TRUE(qemu_.internal_snapshots.empty());
    }

    seam::ManualClock clock_;
    FakeQemu qemu_{clock_};
    seam::MemoryFileSystem files_;
    RunFolder folder_{"/run/g"};
    NoProtection protection_;
    std::vector<model::DiskCapture> disks_;
    /// Waits in real time: the memory image is written by threads of its own.
    void wait_until_the_image_fails() {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (stream_->check() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
        EXPECT_FALSE(stream_->check());
    }
    /// Makes a failed instant end with what a switched disk leaves, and looks on.
    void watch_the_way_back() {
        (void)files_.make_folders("/img");
        ASSERT_TRUE(files_.create("/img/vda-10"));
        qemu_.open_files = {{"vda-10-f", "/img/vda-10"}};
        qemu_.on_command = [this](const std::string& name) {
            if (name == "block-commit") {
                EXPECT_NE(qemu_.run_state, "running") << "it would write to an overlay that is being folded";
            }
            if (name == "cont" && qemu_.active["vda"] == "vda-1" && !qemu_.images_inactive) {
                EXPECT_EQ(files_.exists("/img/vda-10"), false) << "a stale overlay is left while the guest runs";
                EXPECT_TRUE(qemu_.open_files.empty());
                clean_ = true;
            }
        };
    }

    MemoryMethod method_ = MemoryMethod::none;
    MemoryStream* stream_ = nullptr;
    KeptProgress progress_;
    CancelToken cancel_;
    std::chrono::nanoseconds begun_{};
    bool clean_ = false;
};

TEST_F(PauseSequenceTest, background_does_nothing_in_the_pause_but_stop_switch_and_arm) {
    const auto instant = take(MemoryMethod::background);
    ASSERT_TRUE(instant) << instant.error().render();
    EXPECT_THAT(qemu_.commands, ElementsAre("stop", "transaction", "migrate"));
    // transaction and migrate take 100 us each, arming 2 ms
    EXPECT_EQ(instant->pause_us, 2'200);
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_EQ(qemu_.active["vda"], "vda-10");
    EXPECT_THAT(qemu_.internal_snapshots, ElementsAre("vdb-2/s"));
}

TEST_F(PauseSequenceTest, every_refused_command_of_a_background_capture_is_undone) {
    for (const char* command : {"transaction", "migrate"}) {
        qemu_.refuse = {{command, "not now"}};
        const auto instant = take(MemoryMethod::background);
        ASSERT_FALSE(instant) << command;
        EXPECT_THAT(instant.error().why, HasSubstr("not now"));
        EXPECT_EQ(qemu_.run_state, "running") << command;
        expect_disks_as_before();
        EXPECT_EQ(files_.exists("/snap/m.save"), false);
        EXPECT_EQ(files_.exists("/snap/m.save.part"), false);
    }
}

TEST_F(PauseSequenceTest, a_guest_whose_memory_cannot_be_armed_is_freed_and_runs_on) {
    qemu_.arming_fails = true;
    const auto instant = take(MemoryMethod::background);
    ASSERT_FALSE(instant);
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_GE(protection_.lifted, 1);
    expect_disks_as_before();
}

TEST_F(PauseSequenceTest, death_in_the_pause_quotes_the_log) {
    qemu_.die_at = "transaction";
    const auto instant = take(MemoryMethod::background);
    ASSERT_FALSE(instant);
    EXPECT_THAT(instant.error().why, HasSubstr("boom"));
    EXPECT_EQ(files_.exists("/snap/m.save.part"), false);
}

TEST_F(PauseSequenceTest, a_paused_guest_of_an_old_qemu_is_saved_standing_still_and_never_runs) {
    qemu_.run_state = "paused";
    const auto instant = take(MemoryMethod::background);
    ASSERT_TRUE(instant) << instant.error().render();
    EXPECT_EQ(method_, MemoryMethod::stopped);
    EXPECT_EQ(instant->pause_us, std::nullopt);
    EXPECT_NE(qemu_.run_state, "running");
    EXPECT_FALSE(qemu_.images_inactive);
    EXPECT_FALSE(qemu_.latch_closed);
    EXPECT_EQ(kept_state(files_, folder_), KeptState::paused);
}

TEST_F(PauseSequenceTest, a_new_qemu_keeps_a_paused_guest_paused_by_itself) {
    EXPECT_EQ(choose_pause_sequence(MemoryMethod::background, false, {9, 0, 0})->method(), MemoryMethod::background);
    EXPECT_EQ(choose_pause_sequence(MemoryMethod::background, false, {8, 2, 9})->method(), MemoryMethod::stopped);
    EXPECT_EQ(choose_pause_sequence(MemoryMethod::precopy, false, {9, 0, 0})->method(), MemoryMethod::stopped);
}

TEST_F(PauseSequenceTest, a_paused_guest_of_a_new_qemu_saved_standing_still_stays_paused) {
    qemu_.version = R"({"major": 10, "minor": 0, "micro": 0})";
    qemu_.run_state = "paused";
    const auto instant = take(MemoryMethod::stopped);
    ASSERT_TRUE(instant) << instant.error().render();
    EXPECT_NE(qemu_.run_state, "running");
    EXPECT_FALSE(qemu_.images_inactive);
}

TEST_F(PauseSequenceTest, stopped_switches_disks_after_the_stop_and_resumes_after_the_save) {
    const auto instant = take(MemoryMethod::stopped);
    ASSERT_TRUE(instant) << instant.error().render();
    EXPECT_THAT(qemu_.commands, ElementsAre("stop", "transaction", "migrate", "blockdev-del", "cont"));
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_GT(instant->pause_us.value_or(0), 0);
    EXPECT_EQ(kept_state(files_, folder_), KeptState::running);
}

TEST_F(PauseSequenceTest, precopy_switches_disks_while_qemu_holds_the_guest_before_switchover) {
    const auto instant = take(MemoryMethod::precopy);
    ASSERT_TRUE(instant) << instant.error().render();
    EXPECT_THAT(qemu_.commands, ElementsAre("migrate", "transaction", "migrate-continue", "blockdev-del", "cont"));
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_GT(instant->pause_us.value_or(0), 0);
}

TEST_F(PauseSequenceTest, every_refused_command_of_a_save_is_undone) {
    const std::vector<std::pair<MemoryMethod, const char*>> cases = {
        {MemoryMethod::stopped, "transaction"}, {MemoryMethod::stopped, "migrate"}, {MemoryMethod::precopy, "migrate"},
        {MemoryMethod::precopy, "transaction"}, {MemoryMethod::precopy, "migrate-continue"}};
    for (const auto& [method, command] : cases) {
        qemu_.refuse = {{command, "not now"}};
        const auto instant = take(method);
        ASSERT_FALSE(instant) << command;
        EXPECT_EQ(qemu_.run_state, "running") << command;
        EXPECT_FALSE(qemu_.images_inactive) << command;
        expect_disks_as_before();
    }
}

TEST_F(PauseSequenceTest, disks_alone_are_switched_without_a_stop) {
    const auto instant = take(MemoryMethod::none);
    ASSERT_TRUE(instant) << instant.error().render();
    EXPECT_THAT(qemu_.commands, ElementsAre("transaction"));
    EXPECT_EQ(instant->pause_us, std::nullopt) << "no STOP, no RESUME: nothing was measured";
}

// ---- saves that end early ----

class SaveTest : public PauseSequenceTest, public testing::WithParamInterface<MemoryMethod> {
protected:
    void expect_undone(const Result<Instant>& instant, ErrorKind kind) {
        ASSERT_FALSE(instant);
        EXPECT_EQ(instant.error().kind, kind) << instant.error().render();
        EXPECT_EQ(qemu_.run_state, "running");
        EXPECT_FALSE(qemu_.images_inactive);
        EXPECT_EQ(kept_state(files_, folder_), KeptState::running);
        EXPECT_EQ(qemu_.migration, "cancelled");
        EXPECT_LT(clock_.steady() - begun_, std::chrono::seconds(1));
        EXPECT_EQ(files_.exists("/snap/m.save.part"), false);
        expect_disks_as_before();
    }
};

TEST_P(SaveTest, a_memory_image_that_cannot_be_written_ends_it_at_once) {
    qemu_.stuck = true;
    qemu_.stream_begins = "no migration stream";
    qemu_.on_command = [&](const std::string& name) {
        if (name == "query-migrate" && qemu_.migration == "active") wait_until_the_image_fails();
    };
    expect_undone(take(GetParam()), ErrorKind::corrupt);
}

TEST_P(SaveTest, is_cancelled_within_a_second_and_tells_its_progress_until_then) {
    qemu_.stuck = true;
    int asked = 0;
    qemu_.on_command = [&](const std::string& name) {
        if (name == "query-migrate" && ++asked == 2) cancel_.cancel();
    };
    expect_undone(take(GetParam()), ErrorKind::interrupted);
    EXPECT_THAT(progress_.totals, testing::Contains(1000u));
}

TEST_F(PauseSequenceTest, a_precopy_that_never_ends_is_given_up) {
    qemu_.stuck = true;
    qemu_.rounds = 1000;  // a precopy stops the guest for it
    qemu_.on_command = [&](const std::string& name) {
        if (name == "query-migrate") clock_.advance(std::chrono::seconds(50));
    };
    const auto instant = take(MemoryMethod::precopy);
    ASSERT_FALSE(instant);
    EXPECT_EQ(instant.error().kind, ErrorKind::busy) << instant.error().render();
    EXPECT_THAT(qemu_.commands, testing::Contains("stop"));
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_EQ(kept_state(files_, folder_), KeptState::running);
}

INSTANTIATE_TEST_SUITE_P(Methods, SaveTest, testing::Values(MemoryMethod::stopped, MemoryMethod::precopy),
                         [](const auto& tested) { return std::string(to_string(tested.param)); });

TEST_F(PauseSequenceTest, a_precopy_that_fails_in_its_last_part_is_read_out_not_cancelled) {
    watch_the_way_back();
    auto watch = qemu_.on_command;
    qemu_.on_command = [&](const std::string& name) {
        watch(name);
        if (name == "migrate-continue") cancel_.cancel();
    };
    const auto instant = take(MemoryMethod::precopy);
    ASSERT_FALSE(instant);
    EXPECT_EQ(instant.error().kind, ErrorKind::interrupted);
    EXPECT_THAT(qemu_.commands, testing::Not(testing::Contains("migrate_cancel")));
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_FALSE(qemu_.images_inactive);
    EXPECT_TRUE(clean_);
    expect_disks_as_before();
}

// ---- the way back of disks ----

TEST_F(PauseSequenceTest, a_guest_that_qemu_resumed_stands_still_until_its_overlays_are_gone) {
    watch_the_way_back();
    qemu_.arming_fails = qemu_.runs_though_arming_fails = true;
    const auto instant = take(MemoryMethod::background);
    ASSERT_FALSE(instant);
    EXPECT_TRUE(clean_);
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_EQ(files_.exists("/img/vda-10"), false);
    expect_disks_as_before();
}

TEST_F(PauseSequenceTest, an_overlay_that_cannot_be_folded_stays_and_is_written_to) {
    watch_the_way_back();
    qemu_.arming_fails = qemu_.runs_though_arming_fails = true;
    qemu_.refuse["block-commit"] = "No space left on device";
    const auto instant = take(MemoryMethod::background);
    ASSERT_FALSE(instant);
    EXPECT_THAT(instant.error().why, HasSubstr("could not be switched back"));
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_EQ(qemu_.active["vda"], "vda-10");
    EXPECT_EQ(files_.exists("/img/vda-10"), true);
}

TEST_F(PauseSequenceTest, memory_that_could_not_be_freed_is_told) {
    qemu_.arming_fails = true;
    protection_.denied = true;
    const auto instant = take(MemoryMethod::background);
    ASSERT_FALSE(instant);
    EXPECT_THAT(instant.error().why, HasSubstr("still write-protected"));
    protection_.lifted = 0;
    qemu_.arming_fails = false;
    qemu_.stuck = true;
    cancel_.cancel();
    const auto stopped = take(MemoryMethod::stopped);
    ASSERT_FALSE(stopped);
    EXPECT_THAT(stopped.error().why, testing::Not(HasSubstr("write-protected"))) << "a plain save protects nothing";
}

class GuestControlTest : public PauseSequenceTest {
protected:
    void SetUp() override {
        session_ = *QmpSession::open(qemu_.connect(), clock_, {});
        control_ = std::make_unique<GuestControl>(*session_, files_, clock_, folder_);
    }
    std::unique_ptr<QmpSession> session_;
    std::unique_ptr<GuestControl> control_;
};

TEST_F(GuestControlTest, parks_once_however_often_it_is_told) {
    ASSERT_TRUE(control_->park());
    ASSERT_TRUE(control_->park());
    EXPECT_EQ(qemu_.parked_times, 1);
    EXPECT_TRUE(qemu_.images_inactive);
}

TEST_F(GuestControlTest, pausing_a_parked_guest_brings_its_images_back_without_running_it) {
    ASSERT_TRUE(control_->park());
    qemu_.commands.clear();
    ASSERT_TRUE(control_->pause());
    EXPECT_EQ(qemu_.run_state, "paused");
    EXPECT_FALSE(qemu_.images_inactive);
    EXPECT_EQ(kept_state(files_, folder_), KeptState::paused);
    EXPECT_THAT(qemu_.commands, testing::Not(testing::Contains("stop")));
}

TEST_F(GuestControlTest, a_qemu_that_can_switch_activity_needs_no_latch) {
    qemu_.version = R"({"major": 10, "minor": 0, "micro": 0})";
    SetUp();
    ASSERT_TRUE(control_->park());
    EXPECT_EQ(qemu_.parked_times, 0);
    EXPECT_TRUE(qemu_.images_inactive);
    ASSERT_TRUE(control_->pause());
    EXPECT_FALSE(qemu_.images_inactive);
    EXPECT_THAT(qemu_.commands, testing::Not(testing::Contains("cont")));
}

TEST_F(GuestControlTest, resuming_a_parked_guest_takes_its_images_back) {
    ASSERT_TRUE(control_->park());
    const auto resumed = control_->resume();
    ASSERT_TRUE(resumed) << resumed.error().render();
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_FALSE(qemu_.images_inactive);
    EXPECT_FALSE(qemu_.latch_closed);
}

TEST_F(GuestControlTest, a_guest_that_cannot_be_parked_runs_on) {
    qemu_.refuse["xen-save-devices-state"] = "bdrv_inactivate_all() failed (-1)";
    EXPECT_FALSE(control_->park());
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_EQ(kept_state(files_, folder_), KeptState::running);
}

}  // namespace
}  // namespace stasis::hypervisor::qemu
