// Ending guests whose record is missing or stale.
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hypervisor/qemu/fake_monitor_for_test.h"
#include "hypervisor/qemu/lifecycle.h"
#include "seam/testing/memory_file_system.h"
#include "seam/testing/scripted_process.h"

namespace stasis::hypervisor::qemu {
namespace {

using testing::Contains;
using testing::Not;

/// Somebody listens as long as QEMU lives, and for some connections more: it does not go at once.
class MortalChannels final : public seam::ChannelFactory {
public:
    explicit MortalChannels(FakeQemu& qemu) : qemu_(qemu) {}
    Result<std::unique_ptr<seam::Channel>> connect(const std::string& path) override {
        if (qemu_.dead() && lingers-- <= 0) return fail(ErrorKind::failed, "connect to", path, "connection refused");
        ++connected;
        return qemu_.connect();
    }
    Result<UniqueFd> listen(const std::string& path) override { return fail(ErrorKind::failed, "listen at", path, "no"); }
    int lingers = 0, connected = 0;

private:
    FakeQemu& qemu_;
};

class KillTest : public testing::Test {
protected:
    KillTest() { EXPECT_TRUE(files_.make_folders(folder_.path)); }
    seam::SpawnedProcess recorded() {
        processes_.expect_spawn({"qemu"});
        const auto process = *processes_.spawn({.argv = {"qemu"}});
        EXPECT_TRUE(write_record(files_, folder_, {.process = process}));
        return process;
    }

    const model::GuestRef guest_{*Uuid::parse("8b2c1c1e-5b1f-4c55-9d2a-0d6c7a5f1e01"), 1};
    const RunFolder folder_ = run_folder("/root", guest_);
    seam::ManualClock clock_;
    FakeQemu qemu_{clock_};
    MortalChannels channels_{qemu_};
    seam::MemoryFileSystem files_;
    seam::ScriptedProcessRunner processes_;
    Monitors monitors_{"/root", files_, channels_, clock_};
    Emulators emulators_{"/root", files_, processes_, {}, "kernel"};
    QemuLifecycle lifecycle_{{"/root", monitors_, emulators_, files_, processes_, channels_, clock_}};
};

TEST_F(KillTest, a_guest_without_a_record_is_waited_for) {
    qemu_.die_at = "quit";
    channels_.lingers = 3;
    const auto killed = lifecycle_.kill(guest_);
    ASSERT_TRUE(killed) << killed.error().render();
    EXPECT_TRUE(qemu_.dead());
    EXPECT_LT(channels_.lingers, 0) << "it was looked until nobody listened";
    EXPECT_EQ(files_.exists(folder_.path), false);
}

TEST_F(KillTest, a_guest_without_a_record_that_does_not_quit_keeps_its_folder) {
    const auto killed = lifecycle_.kill(guest_);
    ASSERT_FALSE(killed);
    EXPECT_EQ(killed.error().kind, ErrorKind::busy);
    EXPECT_EQ(files_.exists(folder_.path), true);
}

TEST_F(KillTest, a_guest_that_gave_up_its_images_is_not_asked_to_quit) {
    const auto process = recorded();
    qemu_.run_state = "paused";
    ASSERT_TRUE(keep_state(files_, folder_, KeptState::inactive));
    ASSERT_TRUE(lifecycle_.kill(guest_));
    EXPECT_THAT(qemu_.commands, Not(Contains("quit")));
    EXPECT_THAT(processes_.signals(), Contains(std::pair(process.pid, SIGKILL)));
}

TEST_F(KillTest, a_guest_that_runs_has_its_images_whatever_was_kept_and_may_write_them_back) {
    recorded();
    ASSERT_TRUE(keep_state(files_, folder_, KeptState::inactive));
    ASSERT_TRUE(lifecycle_.kill(guest_));
    EXPECT_THAT(qemu_.commands, Contains("quit"));
}

}  // namespace
}  // namespace stasis::hypervisor::qemu
