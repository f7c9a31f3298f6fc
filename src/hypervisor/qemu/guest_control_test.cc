// Pausing, running and parking when what was kept about a guest is stale, or cannot be kept.
#include "hypervisor/qemu/guest_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hypervisor/qemu/fake_monitor_for_test.h"
#include "seam/testing/memory_file_system.h"

namespace stasis::hypervisor::qemu {
namespace {

class GuestControlStaleTest : public testing::Test {
protected:
    GuestControlStaleTest() { EXPECT_TRUE(files_.make_folders("/run/g")); }

    seam::ManualClock clock_;
    FakeQemu qemu_{clock_};
    seam::MemoryFileSystem files_;
    RunFolder folder_{"/run/g"};
    std::unique_ptr<QmpSession> session_ = *QmpSession::open(qemu_.connect(), clock_, {});
    GuestControl control_{*session_, files_, clock_, folder_};
    /// Nothing can be written to its run folder.
    GuestControl full_{*session_, files_, clock_, RunFolder{"/no/such/folder"}};
};

TEST_F(GuestControlStaleTest, a_guest_that_runs_is_parked_whatever_was_kept) {
    ASSERT_TRUE(keep_state(files_, folder_, KeptState::inactive));
    ASSERT_TRUE(control_.park());
    EXPECT_EQ(qemu_.parked_times, 1);
    EXPECT_TRUE(qemu_.images_inactive);
}

TEST_F(GuestControlStaleTest, a_pause_that_cannot_be_kept_leaves_the_guest_running) {
    ASSERT_FALSE(full_.pause());
    EXPECT_EQ(qemu_.run_state, "running");
}

TEST_F(GuestControlStaleTest, a_park_that_cannot_be_kept_leaves_the_guest_running) {
    ASSERT_FALSE(full_.park());
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_EQ(qemu_.parked_times, 0);
}

TEST_F(GuestControlStaleTest, a_resume_that_cannot_be_kept_has_happened_all_the_same) {
    qemu_.run_state = "paused";
    EXPECT_TRUE(full_.resume());
    EXPECT_EQ(qemu_.run_state, "running");
}

TEST_F(GuestControlStaleTest, a_refused_stop_is_not_kept_as_a_pause) {
    qemu_.refuse["stop"] = "not now";
    ASSERT_FALSE(control_.pause());
    EXPECT_EQ(kept_state(files_, folder_), KeptState::running);
}

TEST_F(GuestControlStaleTest, the_time_of_a_resume_is_the_events_and_none_without_one) {
    ASSERT_TRUE(control_.resume());
    EXPECT_FALSE(control_.resume_event()) << "it ran already";
    ASSERT_TRUE(control_.pause());
    clock_.advance(std::chrono::seconds(3));
    const auto resumed = control_.resume();
    ASSERT_TRUE(resumed);
    ASSERT_TRUE(control_.resume_event());
    EXPECT_EQ(resumed->value, control_.resume_event()->value);
}

}  // namespace
}  // namespace stasis::hypervisor::qemu
