// Folds over a monitor that exists only in memory: what a dead tool left, and every way in which the end of a fold may
// fail without the guest writing where nobody will look for it.
#include "hypervisor/qemu/block_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hypervisor/qemu/commit_job.h"
#include "hypervisor/qemu/fake_monitor_for_test.h"
#include "seam/testing/memory_file_system.h"
#include "seam/testing/scripted_process.h"

namespace stasis::hypervisor::qemu {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class FakeQemuChannels final : public seam::ChannelFactory {
public:
    explicit FakeQemuChannels(FakeQemu& qemu) : qemu_(qemu) {}
    Result<std::unique_ptr<seam::Channel>> connect(const std::string&) override { return qemu_.connect(); }
    Result<UniqueFd> listen(const std::string& path) override { return fail(ErrorKind::failed, "listen at", path, "no"); }

private:
    FakeQemu& qemu_;
};

class BlockGraphTest : public testing::Test {
protected:
    BlockGraphTest() {
        qemu_.active = {{"vda", "vda-4"}, {"vdb", "vdb-5"}};
        processes_.expect_spawn({"qemu"});
        const RunFolder folder = run_folder("/root", guest_);
        EXPECT_TRUE(files_.make_folders(folder.path));
        EXPECT_TRUE(write_record(files_, folder, {.process = *processes_.spawn({.argv = {"qemu"}})}));
        session_ = *monitors_.commands(guest_);
    }
    static constexpr model::ImageId kTop{4}, kBase{2};

    /// What a tool that died would have left: a job in which all is copied.
    void leave_job(const std::string& id, const std::string& base) {
        ASSERT_TRUE(session_->execute("block-commit", Json{{"job-id", id}, {"device", "vda-4"}, {"base-node", base}}));
        qemu_.commands.clear();
    }
    [[nodiscard]] std::vector<std::string> jobs() {
        std::vector<std::string> ids;
        const auto listed = session_->execute("query-jobs");
        for (const Json& job : codec::qmp::as_list(*listed)) ids.push_back(codec::qmp::text_of(job, "id"));
        return ids;
    }
    Result<void> merge(const CancelToken* cancel = nullptr) {
        return blocks_.merge_down(guest_, vda_, kTop, kBase, nullptr, cancel);
    }
    /// Counts the calls and notes the guest's state at the last.
    void watch_switch(Result<void> answer = {}) {
        blocks_.on_switch([this, answer] {
            ++told_;
            state_when_told_ = qemu_.run_state + " on " + qemu_.active["vda"];
            return answer;
        });
    }

    const model::GuestRef guest_{*Uuid::parse("8b2c1c1e-5b1f-4c55-9d2a-0d6c7a5f1e01"), 1};
    const DiskTarget vda_ = *DiskTarget::parse("vda");
    seam::ManualClock clock_;
    FakeQemu qemu_{clock_};
    FakeQemuChannels channels_{qemu_};
    seam::MemoryFileSystem files_;
    seam::ScriptedProcessRunner processes_;
    Monitors monitors_{"/root", files_, channels_, clock_};
    QemuBlockGraph blocks_{{"/root", monitors_, files_, processes_, clock_}};
    std::shared_ptr<QmpSession> session_;
    int told_ = 0;
    std::string state_when_told_;
};

TEST_F(BlockGraphTest, the_guest_stands_still_while_the_switch_is_told) {
    watch_switch();
    const auto merged = merge();
    ASSERT_TRUE(merged) << merged.error().render();
    EXPECT_EQ(state_when_told_, "paused on vda-2");
    EXPECT_EQ(qemu_.run_state, "running");
    EXPECT_THAT(jobs(), IsEmpty());
}

TEST_F(BlockGraphTest, a_leftover_job_with_another_base_is_cancelled_and_not_adopted) {
    leave_job("stasis-merge-vda-4-3", "vda-3");
    const auto merged = merge();
    ASSERT_TRUE(merged) << merged.error().render();
    EXPECT_EQ(qemu_.active["vda"], "vda-2");
    ASSERT_GE(qemu_.commands.size(), 3u);
    EXPECT_EQ(qemu_.commands[0], "job-cancel");
    EXPECT_THAT(qemu_.commands, Contains("block-commit"));
    EXPECT_THAT(jobs(), IsEmpty());
}

TEST_F(BlockGraphTest, a_leftover_job_of_the_same_fold_is_adopted) {
    leave_job("stasis-merge-vda-4-2", "vda-2");
    watch_switch();
    ASSERT_TRUE(merge());
    EXPECT_EQ(told_, 1);
    EXPECT_THAT(qemu_.commands, Not(Contains("block-commit")));
    EXPECT_EQ(qemu_.active["vda"], "vda-2");
}

TEST_F(BlockGraphTest, a_fold_that_ends_on_another_layer_is_an_error_and_is_not_told) {
    leave_job("stasis-merge-vda-4-2", "vda-3");  // its name lies about its aim
    watch_switch();
    const auto merged = merge();
    ASSERT_FALSE(merged);
    EXPECT_THAT(merged.error().render(), HasSubstr("vda-3, not vda-2"));
    EXPECT_EQ(told_, 0);
    EXPECT_EQ(qemu_.run_state, "paused") << "nobody knows that vda-3 is active: the guest must not write to it";
}

TEST_F(BlockGraphTest, a_guest_that_does_not_run_on_after_the_fold_is_an_error) {
    watch_switch();
    qemu_.refuse["cont"] = "something is amiss";
    const auto merged = merge();
    ASSERT_FALSE(merged);
    EXPECT_THAT(merged.error().render(), HasSubstr("something is amiss"));
    EXPECT_EQ(told_, 1);
}

TEST_F(BlockGraphTest, a_switch_that_cannot_be_made_durable_keeps_the_guest_standing) {
    watch_switch(fail(ErrorKind::no_space, "write the journal", {}, "no space left"));
    const auto merged = merge();
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().kind, ErrorKind::no_space);
    EXPECT_THAT(merged.error().render(), HasSubstr("standing still"));
    EXPECT_EQ(qemu_.run_state, "paused");
    EXPECT_THAT(qemu_.commands, Not(Contains("cont")));
}

TEST_F(BlockGraphTest, the_next_command_tells_a_switch_that_was_not_made_durable) {
    watch_switch(fail(ErrorKind::no_space, "write the journal", {}, "no space left"));
    ASSERT_FALSE(merge());
    watch_switch();
    ASSERT_TRUE(merge());
    EXPECT_EQ(told_, 2);
}

TEST_F(BlockGraphTest, a_fold_that_fails_before_the_switch_lets_the_guest_run_on_its_old_layer) {
    for (const char* command : {"stop", "job-complete", "block-commit"}) {
        qemu_.refuse = {{command, "not now"}};
        watch_switch();
        const auto merged = merge();
        ASSERT_FALSE(merged) << command;
        EXPECT_EQ(qemu_.run_state, "running") << command;
        EXPECT_EQ(qemu_.active["vda"], "vda-4") << command;
        EXPECT_EQ(told_, 0) << command;
        EXPECT_THAT(jobs(), IsEmpty()) << command;
    }
}

TEST_F(BlockGraphTest, an_unknown_active_layer_keeps_the_guest_standing) {
    watch_switch();
    blocks_.on_switch([&]() -> Result<void> {
        ADD_FAILURE() << "nothing is known that could be told";
        return {};
    });
    class Refuser final : public ProgressSink {
    public:
        explicit Refuser(FakeQemu& qemu) : qemu_(qemu) {}
        void progress(const Progress&) override { qemu_.refuse["query-block"] = "no"; }
        void note(std::string_view) override {}

    private:
        FakeQemu& qemu_;
    } refuser(qemu_);
    const auto merged = blocks_.merge_down(guest_, vda_, kTop, kBase, &refuser, nullptr);
    ASSERT_FALSE(merged);
    EXPECT_THAT(merged.error().render(), HasSubstr("standing still"));
    EXPECT_EQ(qemu_.run_state, "paused");
}

TEST_F(BlockGraphTest, an_error_after_the_switch_does_not_hide_that_it_happened) {
    CommitRequest request{vda_, kTop, kBase, {}};
    request.before_switch = [&]() -> Result<void> {
        EXPECT_TRUE(session_->execute("job-complete", Json{{"id", "stasis-merge-vda-4-2"}}));
        return fail(ErrorKind::busy, "have QEMU do job-complete", {}, "it did not answer");
    };
    EXPECT_TRUE(commit_active_layer(*session_, clock_, request, nullptr, nullptr));
    EXPECT_EQ(qemu_.active["vda"], "vda-2");
}

TEST_F(BlockGraphTest, a_cancelled_fold_leaves_the_chain_and_no_job) {
    CancelToken cancel;
    cancel.cancel();
    const auto merged = merge(&cancel);
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().kind, ErrorKind::interrupted);
    EXPECT_EQ(qemu_.active["vda"], "vda-4");
    EXPECT_THAT(jobs(), IsEmpty());
}

TEST_F(BlockGraphTest, abandoning_ends_every_merge_of_that_disk_and_no_other_job) {
    leave_job("stasis-merge-vda", "vda-3");
    leave_job("stasis-merge-vda-4-2", "vda-2");
    leave_job("stasis-merge-vdaa-4-2", "vdaa-2");
    leave_job("backup-vda", "vda-1");
    ASSERT_TRUE(blocks_.abandon_merge(guest_, vda_));
    EXPECT_THAT(jobs(), testing::UnorderedElementsAre("stasis-merge-vdaa-4-2", "backup-vda"));
    EXPECT_EQ(qemu_.active["vda"], "vda-4");
    ASSERT_TRUE(blocks_.abandon_merge(guest_, vda_)) << "none: fine";
}

TEST_F(BlockGraphTest, abandoning_a_guest_that_is_gone_is_fine) {
    EXPECT_TRUE(blocks_.abandon_merge({guest_.domain, 7}, vda_));
    processes_.end(read_record(files_, run_folder("/root", guest_))->process.pid);
    EXPECT_TRUE(blocks_.abandon_merge(guest_, vda_));
}

}  // namespace
}  // namespace stasis::hypervisor::qemu
