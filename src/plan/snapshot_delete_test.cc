#include "plan/facts_for_test.h"

namespace stasis::plan {
namespace {

class SnapshotDelete : public testing::Test, public World4Test {
protected:
    Result<std::vector<Plan>> without(const std::string& name, bool children = false) {
        return plan_snapshot_delete(facts, {.name = snap(name), .children = children}, settings);
    }
    void apply_all(const std::vector<Plan>& plans) {
        for (const Plan& plan : plans) apply(plan);
    }
    std::vector<MergeDown> merges(const std::vector<Plan>& plans) {
        std::vector<MergeDown> result;
        for (const Plan& plan : plans) {
            for (const MergeDown& merge : steps_of<MergeDown>(plan)) result.push_back(merge);
        }
        return result;
    }
    std::string active_path(const std::string& target) { return facts.images.find(facts.active[disk(target)])->path; }
};

TEST_F(SnapshotDelete, TheOnlyExternalOneFoldsBackIntoTheBase) {
    run();
    take("a", DiskMode::external);
    const auto plans = without("a");
    ASSERT_TRUE(plans) << plans.error().render();
    ASSERT_EQ(plans->size(), 3u) << "the deletion, and a fold for each disk";
    const auto all = merges(*plans);
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].chain.size(), 2u);
    EXPECT_EQ(all[0].chain.back().path, "/img/vda.qcow2");
    EXPECT_TRUE(all[0].guest);
    EXPECT_EQ((*plans)[1].commit_from, 0u);
    apply_all(*plans);
    EXPECT_EQ(active_path("vda"), "/img/vda.qcow2");
    EXPECT_EQ(facts.images.images().size(), 2u);
    EXPECT_TRUE(facts.snapshots.snapshots().empty());
    EXPECT_FALSE(facts.snapshots.current());
}

TEST_F(SnapshotDelete, TheMemoryAndTheFolderGoToo) {
    run();
    take("a", DiskMode::external);
    const std::string memory = facts.snapshots.find(snap("a"))->memory.path;
    const std::string folder = facts.snapshots.find(snap("a"))->folder;
    const auto plans = without("a");
    ASSERT_TRUE(plans);
    const auto files = steps_of<RemoveFile>(plans->front());
    EXPECT_EQ(files.at(0).path, memory);
    bool folder_goes = false;
    for (const Plan& plan : *plans) {
        for (const RemoveFolder& step : steps_of<RemoveFolder>(plan)) folder_goes |= step.path == folder;
    }
    EXPECT_TRUE(folder_goes);
}

TEST_F(SnapshotDelete, TheLastOfALineFoldsOneLayer) {
    run();
    take("a", DiskMode::external);
    take("b", DiskMode::external);
    const auto plans = without("b");
    ASSERT_TRUE(plans) << plans.error().render();
    EXPECT_EQ(merges(*plans).at(0).chain.size(), 2u);
    apply_all(*plans);
    EXPECT_TRUE(active_path("vda").ends_with("vda_a.qcow2"));
    EXPECT_EQ(facts.snapshots.current(), snap("a"));
}

TEST_F(SnapshotDelete, AWholeLineFoldsInOneGo) {
    run();
    take("a", DiskMode::external);
    take("b", DiskMode::external);
    take("c", DiskMode::external);
    const auto plans = without("a", true);
    ASSERT_TRUE(plans) << plans.error().render();
    EXPECT_EQ(steps_of<RecordDelete>(plans->front()).at(0).snapshots.size(), 3u);
    EXPECT_EQ(merges(*plans).at(0).chain.size(), 4u);
    apply_all(*plans);
    EXPECT_EQ(active_path("vdb"), "/img/vdb.qcow2");
    EXPECT_EQ(facts.images.images().size(), 2u);
}

TEST_F(SnapshotDelete, TheMiddleOfALineIsRefusedWithAWayOut) {
    run();
    take("a", DiskMode::external);
    take("b", DiskMode::external);
    const auto plans = without("a");
    ASSERT_FALSE(plans);
    EXPECT_EQ(plans.error().kind, ErrorKind::unsupported);
    EXPECT_NE(plans.error().next.find("--children"), std::string::npos);
}

TEST_F(SnapshotDelete, ALeafBesideTheActiveLineJustGoes) {
    run();
    take("a", DiskMode::external);
    take("b", DiskMode::external);
    revert("a");
    const auto plans = without("b");
    ASSERT_TRUE(plans) << plans.error().render();
    EXPECT_TRUE(merges(*plans).empty());
    EXPECT_EQ(steps_of<RecordDelete>(plans->front())[0].removed_images.size(), 4u) << "b's layer and the one above, twice";
    apply_all(*plans);
    EXPECT_TRUE(facts.left_behind.empty());
    EXPECT_EQ(facts.snapshots.current(), snap("a"));
}

TEST_F(SnapshotDelete, ABranchingPointIsRefused) {
    run();
    take("a", DiskMode::external);
    take("b", DiskMode::external);
    revert("a");
    take("c", DiskMode::external);
    EXPECT_FALSE(without("a"));
    EXPECT_TRUE(without("a", true));
    EXPECT_TRUE(without("b"));
    EXPECT_TRUE(without("c"));
}

TEST_F(SnapshotDelete, InternalOnesGoInAnyOrder) {
    run();
    take("a", DiskMode::internal);
    take("b", DiskMode::internal);
    const auto plans = without("a");
    ASSERT_TRUE(plans) << plans.error().render();
    ASSERT_EQ(plans->size(), 1u);
    const auto steps = steps_of<DeleteInternal>(plans->front());
    ASSERT_EQ(steps.size(), 2u);
    EXPECT_EQ(steps[0].name, "a");
    EXPECT_GT(place_of<DeleteInternal>(plans->front()), plans->front().commit_from);
}

TEST_F(SnapshotDelete, AnInternalOneInAFrozenImageWaits) {
    run();
    take("a", DiskMode::internal);
    take("b", DiskMode::external);
    EXPECT_FALSE(without("a"));
    const auto both = without("a", true);
    ASSERT_TRUE(both) << both.error().render();
    const Plan& fold = both->at(1);
    EXPECT_LT(place_of<MergeDown>(fold), place_of<DeleteInternal>(fold)) << "the image is written only once it is active";
}

TEST_F(SnapshotDelete, AnInternalOneInAnImageThatIsGoneIsGoneToo) {
    take("a", DiskMode::internal);
    facts.unreadable.emplace("/img/vdb.qcow2", Error{.kind = ErrorKind::not_found, .why = "no such file"});
    const auto plans = without("a");
    ASSERT_TRUE(plans) << plans.error().render();
    const auto steps = steps_of<DeleteInternal>(plans->front());
    ASSERT_EQ(steps.size(), 1u);
    EXPECT_EQ(steps[0].path, "/img/vda.qcow2");
    ASSERT_EQ(plans->front().notes.size(), 1u);
    EXPECT_NE(plans->front().notes[0].find("/img/vdb.qcow2"), std::string::npos);
    EXPECT_EQ(steps_of<RecordDelete>(plans->front()).at(0).snapshots, std::vector{snap("a")});
}

TEST_F(SnapshotDelete, AnInternalOneInAnImageThatCannotBeReadIsRefusedBeforeAnythingHappens) {
    take("a", DiskMode::internal);
    facts.unreadable.emplace("/img/vdb.qcow2", Error{.kind = ErrorKind::denied, .why = "permission denied"});
    const auto plans = without("a");
    ASSERT_FALSE(plans);
    EXPECT_EQ(plans.error().kind, ErrorKind::denied);
    run();
    EXPECT_TRUE(without("a")) << "the guest that has it open deletes it";
}

/// The node of a layer that a fold has freed may still be open in the guest.
TEST_F(SnapshotDelete, LayersOfLaterSnapshotsGetIdsThatNoImageHad) {
    run();
    take("a", DiskMode::external);
    const model::ImageId highest = facts.images.images().back().id;
    const auto plans = without("a");
    ASSERT_TRUE(plans) << plans.error().render();
    apply_all(*plans);
    ASSERT_EQ(facts.images.find(highest), nullptr);
    const auto next = create({.name = snap("b"), .all_disks = DiskMode::external});
    ASSERT_TRUE(next) << next.error().render();
    const auto record = steps_of<RecordSnapshot>(*next).at(0);
    for (const model::Image& layer : record.new_layers) EXPECT_GT(layer.id, highest);
}

TEST_F(SnapshotDelete, AStoppedDomainIsFoldedOffline) {
    take("a", DiskMode::external);
    const auto plans = without("a");
    ASSERT_TRUE(plans);
    EXPECT_FALSE(merges(*plans).at(0).guest);
}

TEST_F(SnapshotDelete, ATemplateBelowTheUsersImageIsNeverWritten) {
    facts.images.put({.id = {10}, .target = disk("vdc"), .path = "/img/template.qcow2", .virtual_bytes = 1 << 20});
    facts.images.put({.id = {11}, .target = disk("vdc"), .path = "/img/own.qcow2", .virtual_bytes = 1 << 20, .backing = {10}});
    facts.definition.disks.push_back({.target = disk("vdc"), .source = "/img/own.qcow2", .format = model::ImageFormat::qcow2});
    facts.active[disk("vdc")] = {11};
    facts.image_facts["/img/template.qcow2"] = {.virtual_bytes = 1 << 20};
    facts.image_facts["/img/own.qcow2"] = {.virtual_bytes = 1 << 20, .backing_path = "template.qcow2", .backing_format = "qcow2"};
    refresh();
    run();
    take("a", DiskMode::external);
    const auto plans = without("a");
    ASSERT_TRUE(plans) << plans.error().render();
    for (const MergeDown& merge : merges(*plans)) {
        EXPECT_NE(merge.chain.back().path, "/img/template.qcow2");
        EXPECT_EQ(merge.chain.size(), 2u);
    }
}

TEST_F(SnapshotDelete, AFolderOfTheUsersIsNotRemoved) {
    run();
    auto plan = create({.name = snap("a"), .disks = {{.target = disk("vda"), .mode = DiskMode::external, .path = "/srv/own/a.qcow2"}}});
    ASSERT_TRUE(plan) << plan.error().render();
    apply(*plan);
    const auto plans = without("a");
    ASSERT_TRUE(plans);
    for (const Plan& each : *plans) {
        for (const RemoveFolder& step : steps_of<RemoveFolder>(each)) EXPECT_FALSE(step.path.starts_with("/srv"));
    }
}

TEST_F(SnapshotDelete, AnUnknownNameIsNotFound) {
    const auto plans = without("nope");
    ASSERT_FALSE(plans);
    EXPECT_EQ(plans.error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace stasis::plan
