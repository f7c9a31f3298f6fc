#include <gtest/gtest.h>

#include <set>
#include <string>

#include "plan/steps_for_test.h"

namespace stasis::plan {
namespace {

TEST(Describe, SaysWhatAStepDoesInOneSentence) {
    EXPECT_EQ(describe(CreateOverlay{*DiskTarget::parse("vda"), "/x/vda_a.qcow2", 10ull << 30, "/x/web.qcow2",
                                     model::ImageFormat::qcow2}),
              "create overlay /x/vda_a.qcow2 on /x/web.qcow2 (10 GiB)");
    EXPECT_EQ(describe(RemoveFile{"/a"}), "remove file /a");
    EXPECT_EQ(describe(RecordDelete{.domain = {}, .snapshots = {*SnapshotName::parse("a"), *SnapshotName::parse("b")}}),
              "forget snapshots 'a', 'b'");
}

TEST(Describe, NamesTheDisksAndTheMemoryOfTheInstant) {
    CaptureInstant step;
    step.disks = {{*DiskTarget::parse("vda"), DiskMode::external, {}, {}, {}},
                  {*DiskTarget::parse("vdb"), DiskMode::external, {}, {}, {}},
                  {*DiskTarget::parse("vdc"), DiskMode::internal, {}, {}, "a"}};
    step.memory = model::MemoryCapture{"/m", MemoryMethod::background, MemoryCompression::lz4};
    EXPECT_EQ(describe(step), "pause the guest, switch vda and vdb to their overlays, snapshot vdc internally, "
                              "begin to save memory (background), let it run on");
    step.was_running = false;
    step.memory.reset();
    step.disks.resize(1);
    EXPECT_EQ(describe(step), "with the guest paused, switch vda to its overlay");
}

TEST(Describe, AnEmptyStepIsNoAccident) {
    EXPECT_NE(describe(MergeDown{}), "");
    EXPECT_NE(describe(LaunchGuest{}), "");
    EXPECT_NE(describe(CaptureInstant{}), "");
}

TEST(StepName, IsTheNameOfTheType) {
    EXPECT_EQ(step_name(MakeFolder{}), "MakeFolder");
    EXPECT_EQ(step_name(CreateOverlay{}), "CreateOverlay");
    EXPECT_EQ(step_name(CaptureInstant{}), "CaptureInstant");
    EXPECT_EQ(step_name(ParkGuest{}), "ParkGuest");
    EXPECT_EQ(step_name(MergeDown{}), "MergeDown");
    EXPECT_EQ(step_name(RecordGuest{}), "RecordGuest");
    EXPECT_EQ(step_name(RecordDelete{}), "RecordDelete");
}

TEST(StepName, IsOneOfItsOwnForEachKind) {
    std::set<std::string_view> names;
    const Plan plan = plan_of_every_step();
    for (const Step& step : plan.steps) names.insert(step_name(step));
    EXPECT_EQ(names.size(), std::variant_size_v<Step>);
    EXPECT_FALSE(names.contains(""));
}

TEST(Report, ListsTheStepsInOrder) {
    const Plan plan = plan_of_every_step();
    const PlanReport said = report(plan);
    EXPECT_EQ(said.operation, "snapshot-create");
    ASSERT_EQ(said.steps.size(), plan.steps.size());
    EXPECT_EQ(said.steps[0], "make folder /s");
    EXPECT_EQ(said.space.value, 99u);
    EXPECT_EQ(said.pause_us, 17);
    EXPECT_EQ(said.notes, plan.notes);
}

}  // namespace
}  // namespace stasis::plan
