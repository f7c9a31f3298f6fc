#include "plan/facts_for_test.h"
#include "plan/risks.h"

namespace stasis::plan {
namespace {

class SnapshotRevert : public testing::Test, public World4Test {
protected:
    Result<Plan> back_to(const std::string& name, std::optional<DomainState> wanted = {}, bool force = false) {
        return plan_snapshot_revert(facts, {.name = snap(name), .wanted = wanted, .force = force}, settings);
    }
};

ErrorKind kind_of(const Result<Plan>& plan) { return plan ? ErrorKind::failed : plan.error().kind; }

TEST_F(SnapshotRevert, TheOldGuestStandsAsideUntilTheCatalogNamesTheNewOne) {
    run();
    take("a", DiskMode::external);
    const auto plan = back_to("a");
    ASSERT_TRUE(plan) << plan.error().render();
    EXPECT_LT(place_of<CreateOverlay>(*plan), place_of<ParkGuest>(*plan));
    EXPECT_LT(place_of<ParkGuest>(*plan), place_of<LaunchGuest>(*plan));
    EXPECT_LT(place_of<LaunchGuest>(*plan), place_of<LoadMemory>(*plan));
    EXPECT_EQ(plan->commit_from, place_of<RecordRevert>(*plan));
    EXPECT_LT(place_of<LoadMemory>(*plan), plan->commit_from);
    EXPECT_GT(place_of<ResumeGuest>(*plan), plan->commit_from);
    EXPECT_GT(place_of<KillGuest>(*plan), plan->commit_from);
    EXPECT_EQ(steps_of<KillGuest>(*plan)[0].guest.generation, 3u);
    EXPECT_EQ(steps_of<LaunchGuest>(*plan)[0].guest.generation, 4u);
    EXPECT_TRUE(steps_of<LaunchGuest>(*plan)[0].await_memory);
}

TEST_F(SnapshotRevert, DisksStandOnFreshOverlaysOfTheFrozenImages) {
    run();
    take("a", DiskMode::external);
    const auto plan = back_to("a");
    ASSERT_TRUE(plan);
    EXPECT_EQ(steps_of<CreateOverlay>(*plan)[0].backing_path, "/img/vda.qcow2");
    const auto chain = steps_of<LaunchGuest>(*plan)[0].disks[0].chain;
    ASSERT_EQ(chain.size(), 2u);
    EXPECT_EQ(chain[1].path, "/img/vda.qcow2");
    EXPECT_EQ(steps_of<RecordRevert>(*plan)[0].left_behind.size(), 2u);
    EXPECT_TRUE(steps_of<RemoveFile>(*plan).empty()) << "the layers left behind are kept";
}

TEST_F(SnapshotRevert, TwoRevertsToOneSnapshotUseDifferentFiles) {
    run();
    take("a", DiskMode::external);
    const auto first = steps_of<CreateOverlay>(*back_to("a")).at(0).path;
    revert("a");
    EXPECT_NE(steps_of<CreateOverlay>(*back_to("a")).at(0).path, first);
}

TEST_F(SnapshotRevert, InternalDisksAreRewoundAfterParkingWithASafetySnapshot) {
    run();
    take("a", DiskMode::internal);
    const auto plan = back_to("a");
    ASSERT_TRUE(plan) << plan.error().render();
    const auto rewinds = steps_of<ApplyInternal>(*plan);
    ASSERT_EQ(rewinds.size(), 2u);
    EXPECT_GT(place_of<ApplyInternal>(*plan), place_of<ParkGuest>(*plan));
    EXPECT_LT(place_of<ApplyInternal>(*plan), place_of<LaunchGuest>(*plan));
    EXPECT_EQ(steps_of<DeleteInternal>(*plan).at(0).name, rewinds[0].safety);
    EXPECT_EQ(steps_of<DeleteInternal>(*plan).at(0).guest->generation, 4u);
}

TEST_F(SnapshotRevert, AnInternalOneInAFrozenImageIsRefused) {
    run();
    take("a", DiskMode::internal);
    take("b", DiskMode::external);
    EXPECT_EQ(kind_of(back_to("a")), ErrorKind::unsupported);
}

TEST_F(SnapshotRevert, AnInternalSnapshotThatAnotherToolDeletedIsCorrupt) {
    run();
    take("a", DiskMode::internal);
    facts.image_facts["/img/vdb.qcow2"].internal_snapshots.clear();
    EXPECT_EQ(kind_of(back_to("a")), ErrorKind::corrupt);
    EXPECT_EQ(kind_of(back_to("a", {}, true)), ErrorKind::corrupt) << "force cannot bring it back";
}

TEST_F(SnapshotRevert, RunsAsItWasWhenTakenOrAsTold) {
    run(DomainState::paused);
    take("p", DiskMode::external);
    run();
    take("r", DiskMode::external);
    EXPECT_TRUE(steps_of<ResumeGuest>(*back_to("p")).empty());
    EXPECT_EQ(steps_of<ResumeGuest>(*back_to("r")).size(), 1u);
    EXPECT_EQ(steps_of<ResumeGuest>(*back_to("p", DomainState::running)).size(), 1u);
    EXPECT_TRUE(steps_of<ResumeGuest>(*back_to("r", DomainState::paused)).empty());
}

TEST_F(SnapshotRevert, ADiskOnlySnapshotLeavesTheDomainShutOffUnlessTold) {
    run();
    auto made = create({.name = snap("d"), .disk_only = true, .all_disks = DiskMode::external});
    apply(*made);
    const auto plan = back_to("d");
    ASSERT_TRUE(plan);
    EXPECT_TRUE(steps_of<LaunchGuest>(*plan).empty());
    EXPECT_EQ(steps_of<KillGuest>(*plan).size(), 1u);
    EXPECT_FALSE(steps_of<RecordRevert>(*plan)[0].running);
    const auto booted = back_to("d", DomainState::running);
    EXPECT_FALSE(steps_of<LaunchGuest>(*booted).at(0).await_memory);
    EXPECT_TRUE(steps_of<LoadMemory>(*booted).empty());
}

TEST_F(SnapshotRevert, AStoppedDomainHasNoGuestToPark) {
    run();
    take("a", DiskMode::external);
    facts.guest.reset();
    facts.state = DomainState::shut_off;
    const auto plan = back_to("a");
    ASSERT_TRUE(plan);
    EXPECT_TRUE(steps_of<ParkGuest>(*plan).empty());
    EXPECT_TRUE(steps_of<KillGuest>(*plan).empty());
    EXPECT_FALSE(steps_of<LaunchGuest>(*plan)[0].replaces_running);
}

struct Risk {
    const char* name;
    void (*make)(World4Test&);
};

class Risky : public SnapshotRevert, public testing::WithParamInterface<Risk> {};

TEST_P(Risky, NeedsForceAndSaysSo) {
    run();
    take("a", DiskMode::external);
    GetParam().make(*this);
    const auto plan = back_to("a");
    ASSERT_EQ(kind_of(plan), ErrorKind::unsupported);
    EXPECT_NE(plan.error().next.find("--force"), std::string::npos);
    const auto forced = back_to("a", {}, true);
    ASSERT_TRUE(forced) << forced.error().render();
    EXPECT_EQ(forced->notes.front().find("forced: "), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Reasons, Risky,
    testing::Values(Risk{"definition", [](World4Test& w) { w.facts.definition.vcpus = 2; }},
                    Risk{"machine", [](World4Test& w) { w.facts.machine = "pc-q35-9.0"; }},
                    Risk{"newer_qemu", [](World4Test& w) { w.facts.hypervisor_version = "7.1.99"; }},
                    Risk{"touched", [](World4Test& w) {
                             model::Image base = *w.facts.images.find({1});
                             base.frozen = model::Fingerprint{1, 2, 3};
                             w.facts.images.put(base);
                         }}),
    [](const testing::TestParamInfo<Risk>& each) { return each.param.name; });

TEST_F(SnapshotRevert, ATitleIsNoChangeOfTheGuest) {
    run();
    take("a", DiskMode::external);
    facts.definition.title = "another";
    EXPECT_TRUE(back_to("a"));
}

TEST_F(SnapshotRevert, LostMemoryIsRefusedEvenWithForce) {
    run();
    take("a", DiskMode::external);
    const std::string path = facts.snapshots.find(snap("a"))->memory.path;
    facts.unreadable.emplace(path, Error{.kind = ErrorKind::corrupt, .attempted = "read the memory image", .why = "it is cut"});
    EXPECT_EQ(kind_of(back_to("a", {}, true)), ErrorKind::corrupt);
    EXPECT_EQ(kind_of(back_to("nope")), ErrorKind::not_found);
}

TEST(CompareVersions, ByNumberNotByText) {
    EXPECT_LT(compare_versions("7.2.22", "10.0"), 0);
    EXPECT_EQ(compare_versions("8.0", "8.0.0"), 0);
    EXPECT_GT(compare_versions("7.2.22", "7.2.3"), 0);
}

}  // namespace
}  // namespace stasis::plan
