// What capture() and abandon() do about a run state that a dead tool has kept and that is out of date.
#include "hypervisor/qemu/capture.h"

#include <gtest/gtest.h>

#include "hypervisor/qemu/fake_monitor_for_test.h"
#include "seam/testing/memory_file_system.h"
#include "seam/testing/scripted_process.h"

namespace stasis::hypervisor::qemu {
namespace {

class FakeChannels final : public seam::ChannelFactory {
public:
    explicit FakeChannels(FakeQemu& qemu) : qemu_(qemu) {}
    Result<std::unique_ptr<seam::Channel>> connect(const std::string&) override { return qemu_.connect(); }
    Result<UniqueFd> listen(const std::string& path) override { return fail(ErrorKind::unsupported, "listen", path, "fake"); }

private:
    FakeQemu& qemu_;
};

class NoProtection final : public WriteProtection {
public:
    Result<bool> lift(std::int64_t) override { return denied ? Result<bool>(fail(ErrorKind::denied, "lift", "qemu", "no right to")) : false; }
    bool denied = false;
};

class CaptureTest : public testing::Test {
protected:
    CaptureTest() {
        qemu_.active = {{"vda", "vda-1"}};
        processes_.expect_spawn({"qemu"});
        GuestRecord record{.process = *processes_.spawn({.argv = {"qemu"}})};
        EXPECT_TRUE(files_.make_folders(folder_.path));
        EXPECT_TRUE(files_.make_folders("/snap"));
        EXPECT_TRUE(write_record(files_, folder_, record));
    }
    port::CaptureRequest memory() const {
        return {.guest = guest_, .memory = model::MemoryCapture{.path = "/snap/m.save", .method = MemoryMethod::stopped}};
    }

    seam::ManualClock clock_;
    FakeQemu qemu_{clock_};
    FakeChannels channels_{qemu_};
    seam::MemoryFileSystem files_;
    seam::ScriptedProcessRunner processes_;
    NoProtection protection_;
    Monitors monitors_{"/root", files_, channels_, clock_};
    model::GuestRef guest_{Uuid::random(), 1};
    RunFolder folder_ = run_folder("/root", guest_);
    QemuCapture capture_{{"/root", monitors_, files_, processes_, clock_, protection_}};
};

TEST_F(CaptureTest, a_guest_that_runs_is_not_stopped_for_what_a_dead_tool_has_kept) {
    ASSERT_TRUE(keep_state(files_, folder_, KeptState::inactive));
    const auto session = capture_.capture(memory());
    ASSERT_TRUE(session) << session.error().render();
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_EQ(kept_state(files_, folder_), KeptState::running);
    qemu_.commands.clear();
    ASSERT_TRUE(keep_state(files_, folder_, KeptState::inactive));
    ASSERT_TRUE(capture_.capture({.guest = guest_, .disks = {{*DiskTarget::parse("vda"), DiskMode::internal, {1}, {}, "s"}}}));
    EXPECT_EQ(qemu_.commands, std::vector<std::string>{"transaction"});
    EXPECT_EQ(kept_state(files_, folder_), KeptState::running);
}

TEST_F(CaptureTest, a_guest_that_shall_stay_stopped_does) {
    qemu_.run_state = "paused";
    auto request = memory();
    request.resume = false;
    const auto session = capture_.capture(request);
    ASSERT_TRUE(session) << session.error().render();
    EXPECT_NE(qemu_.run_state, "running");
}

TEST_F(CaptureTest, abandoning_a_save_that_qemu_resumed_the_guest_from_says_so) {
    ASSERT_TRUE(keep_state(files_, folder_, KeptState::inactive));
    qemu_.migration = "pre-switchover";
    qemu_.run_state = "finish-migrate";
    const auto abandoned = capture_.abandon(guest_);
    ASSERT_TRUE(abandoned) << abandoned.error().render();
    EXPECT_EQ(qemu_.migration, "cancelled");
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_EQ(kept_state(files_, folder_), KeptState::running);
}

TEST_F(CaptureTest, abandoning_keeps_what_it_knows_of_a_parked_guest) {
    ASSERT_TRUE(keep_state(files_, folder_, KeptState::inactive));
    qemu_.run_state = "paused";
    ASSERT_TRUE(capture_.abandon(guest_));
    EXPECT_EQ(kept_state(files_, folder_), KeptState::inactive);
}

TEST_F(CaptureTest, memory_that_may_be_protected_and_cannot_be_freed_is_an_error) {
    protection_.denied = true;
    EXPECT_TRUE(capture_.abandon(guest_)) << "nothing was protected";
    const auto session = *monitors_.commands(guest_);
    ASSERT_TRUE(session->execute("migrate-set-capabilities",
                                 Json{{"capabilities", {{{"capability", "background-snapshot"}, {"state", true}}}}}));
    qemu_.migration = "completed";
    EXPECT_TRUE(capture_.abandon(guest_)) << "QEMU frees memory itself when it has saved all";
    ASSERT_TRUE(session->execute("migrate-set-capabilities",
                                 Json{{"capabilities", {{{"capability", "background-snapshot"}, {"state", true}}}}}));
    qemu_.migration = "failed";
    for (int i = 0; i < 2; ++i) {
        const auto abandoned = capture_.abandon(guest_);
        ASSERT_FALSE(abandoned);
        EXPECT_EQ(abandoned.error().kind, ErrorKind::denied);
    }
}

TEST_F(CaptureTest, an_overlay_whose_node_was_left_is_opened_anew) {
    qemu_.open_files = {{"vda-10-f", "/gone"}};
    const model::Overlay overlay{*DiskTarget::parse("vda"), {{10}, "/img/vda-10", model::ImageFormat::qcow2}, {1}};
    ASSERT_TRUE(capture_.open_overlays(guest_, {overlay}));
    EXPECT_EQ(qemu_.commands, (std::vector<std::string>{"blockdev-del", "blockdev-del", "blockdev-add", "blockdev-add"}));
    EXPECT_TRUE(qemu_.open_files.empty());
}

}  // namespace
}  // namespace stasis::hypervisor::qemu
