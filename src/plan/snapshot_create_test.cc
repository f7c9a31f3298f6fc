#include "plan/facts_for_test.h"

namespace stasis::plan {
namespace {

class SnapshotCreate : public testing::Test, public World4Test {};

ErrorKind kind_of(const Result<Plan>& plan) { return plan ? ErrorKind::failed : plan.error().kind; }

TEST_F(SnapshotCreate, NamesItByTheTimeInItsOwnFolder) {
    run();
    const auto plan = create({});
    ASSERT_TRUE(plan) << plan.error().render();
    const auto record = steps_of<RecordSnapshot>(*plan).at(0);
    EXPECT_EQ(record.snapshot.name.str().size(), 14u);  // YYYYMMDDhhmmss
    EXPECT_EQ(record.snapshot.folder, "/snaps/" + facts.definition.uuid.str() + "/" + record.snapshot.name.str());
    EXPECT_EQ(record.snapshot.memory.path, record.snapshot.folder + "/" + record.snapshot.name.str() + ".save");
}

TEST_F(SnapshotCreate, ASecondOneInTheSameSecondGetsAnotherName) {
    run();
    take(steps_of<RecordSnapshot>(*create({})).at(0).snapshot.name.str(), DiskMode::external);
    const auto plan = create({});
    ASSERT_TRUE(plan);
    EXPECT_TRUE(steps_of<RecordSnapshot>(*plan).at(0).snapshot.name.str().ends_with("-2"));
}

TEST_F(SnapshotCreate, ExternalDisksArePreparedBeforeTheInstant) {
    run();
    const auto plan = create({.name = snap("a"), .all_disks = DiskMode::external});
    ASSERT_TRUE(plan) << plan.error().render();
    EXPECT_EQ(steps_of<CreateOverlay>(*plan).size(), 2u);
    EXPECT_EQ(steps_of<CreateOverlay>(*plan)[0].path, "/snaps/" + facts.definition.uuid.str() + "/a/vda_a.qcow2");
    EXPECT_LT(place_of<CreateOverlay>(*plan), place_of<OpenOverlays>(*plan));
    EXPECT_LT(place_of<OpenOverlays>(*plan), place_of<CaptureInstant>(*plan));
    EXPECT_EQ(place_of<CaptureInstant>(*plan) + 1, place_of<CompleteMemory>(*plan));
    EXPECT_EQ(plan->commit_from, place_of<RecordSnapshot>(*plan));
    EXPECT_EQ(steps_of<CaptureInstant>(*plan)[0].memory->method, MemoryMethod::background);
    EXPECT_EQ(steps_of<RecordSnapshot>(*plan)[0].snapshot.state, SnapshotState::running);
}

TEST_F(SnapshotCreate, SmallImagesGoInternalByDefault) {
    run();
    const auto plan = create({.name = snap("a")});
    ASSERT_TRUE(plan);
    EXPECT_TRUE(steps_of<CreateOverlay>(*plan).empty());
    const auto instant = steps_of<CaptureInstant>(*plan).at(0);
    for (const auto& capture : instant.disks) {
        EXPECT_EQ(capture.mode, DiskMode::internal);
        EXPECT_EQ(capture.internal_name, "a");
    }
}

TEST_F(SnapshotCreate, TheCostliestDiskGoesExternalWhenThePauseWouldPassTheLimit) {
    run();
    facts.image_facts["/img/vda.qcow2"].allocated_bytes = 60ull << 30;
    const auto plan = create({.name = snap("a")});
    ASSERT_TRUE(plan);
    const auto disks = steps_of<CaptureInstant>(*plan).at(0).disks;
    EXPECT_EQ(disks[0].mode, DiskMode::external);
    EXPECT_EQ(disks[1].mode, DiskMode::internal);
    EXPECT_FALSE(plan->notes.empty());
}

TEST_F(SnapshotCreate, AStoppedDomainHasNoPauseToStretch) {
    facts.image_facts["/img/vda.qcow2"].allocated_bytes = 600ull << 30;
    const auto plan = create({.name = snap("a")});
    ASSERT_TRUE(plan);
    EXPECT_EQ(steps_of<CreateInternal>(*plan).size(), 2u);
    EXPECT_FALSE(plan->pause_us);
    EXPECT_EQ(steps_of<RecordSnapshot>(*plan)[0].snapshot.state, SnapshotState::shut_off);
}

TEST_F(SnapshotCreate, LiveRefusesInternalOnesThatWouldHoldTheGuest) {
    run();
    facts.image_facts["/img/vda.qcow2"].allocated_bytes = 600ull << 30;
    EXPECT_EQ(kind_of(create({.name = snap("a"), .live = true, .all_disks = DiskMode::internal})), ErrorKind::unsupported);
    EXPECT_TRUE(create({.name = snap("a"), .live = true}));
}

TEST_F(SnapshotCreate, RawGoesExternalByDefaultAndRefusesInternal) {
    add_disk("vdc", "/img/vdc.raw", model::ImageFormat::raw);
    run();
    const auto plan = create({.name = snap("a")});
    ASSERT_TRUE(plan) << plan.error().render();
    EXPECT_EQ(steps_of<CaptureInstant>(*plan).at(0).disks[2].mode, DiskMode::external);
    EXPECT_EQ(steps_of<CreateOverlay>(*plan).at(0).backing_format, model::ImageFormat::raw);
    EXPECT_EQ(kind_of(create({.name = snap("a"), .all_disks = DiskMode::internal})), ErrorKind::unsupported);
}

TEST_F(SnapshotCreate, ReadOnlyDisksAndEmptyDrivesAreLeftOutWithANote) {
    facts.definition.disks[1].read_only = true;
    facts.definition.disks.push_back({.target = disk("sda"), .device = model::DiskDevice::cdrom});
    run();
    const auto plan = create({.name = snap("a")});
    ASSERT_TRUE(plan) << plan.error().render();
    EXPECT_EQ(steps_of<CaptureInstant>(*plan).at(0).disks.size(), 1u);
    EXPECT_EQ(steps_of<RecordSnapshot>(*plan)[0].snapshot.disks.size(), 3u);
    EXPECT_EQ(plan->notes.size(), 2u);
    const DiskRequest wants{.target = disk("vdb"), .mode = DiskMode::external};
    EXPECT_EQ(kind_of(create({.name = snap("a"), .disks = {wants}})), ErrorKind::invalid);
}

TEST_F(SnapshotCreate, WithoutWriteTrackingItSavesStoppedOrLiveByPrecopyAndSaysWhy) {
    run();
    facts.memory_ability = {.background = false, .why_not = "userfaultfd is not permitted"};
    const auto stopped = create({.name = snap("a")});
    ASSERT_TRUE(stopped);
    EXPECT_EQ(steps_of<CaptureInstant>(*stopped)[0].memory->method, MemoryMethod::stopped);
    EXPECT_NE(stopped->notes.back().find("userfaultfd is not permitted"), std::string::npos);
    const auto live = create({.name = snap("a"), .live = true});
    ASSERT_TRUE(live);
    EXPECT_EQ(steps_of<CaptureInstant>(*live)[0].memory->method, MemoryMethod::precopy);
}

TEST_F(SnapshotCreate, APausedGuestIsSavedAsItStands) {
    run(DomainState::paused);
    const auto plan = create({.name = snap("a")});
    ASSERT_TRUE(plan);
    EXPECT_EQ(steps_of<CaptureInstant>(*plan)[0].memory->method, MemoryMethod::stopped);
    EXPECT_FALSE(steps_of<CaptureInstant>(*plan)[0].was_running);
    EXPECT_EQ(steps_of<RecordSnapshot>(*plan)[0].snapshot.state, SnapshotState::paused);
}

TEST_F(SnapshotCreate, AnUnmigratableDeviceIsNamed) {
    run();
    facts.memory_ability = {.background = false, .migratable = false, .why_not = "non-migratable device: nvme"};
    const auto plan = create({.name = snap("a")});
    ASSERT_EQ(kind_of(plan), ErrorKind::unsupported);
    EXPECT_NE(plan.error().why.find("nvme"), std::string::npos);
    EXPECT_TRUE(create({.name = snap("a"), .disk_only = true}));
}

TEST_F(SnapshotCreate, DiskOnlyTakesNoMemory) {
    run();
    const auto plan = create({.name = snap("a"), .disk_only = true, .all_disks = DiskMode::external});
    ASSERT_TRUE(plan);
    EXPECT_TRUE(steps_of<CompleteMemory>(*plan).empty());
    EXPECT_EQ(steps_of<RecordSnapshot>(*plan)[0].snapshot.state, SnapshotState::disk_snapshot);
    EXPECT_EQ(plan->pause_us, 0);
    EXPECT_EQ(kind_of(create({.memory_path = "/m", .disk_only = true})), ErrorKind::invalid);
}

TEST_F(SnapshotCreate, APathHoldsAllDataAndGivesTheName) {
    run();
    const auto plan = create({.path = "/backup/before-upgrade/", .all_disks = DiskMode::external});
    ASSERT_TRUE(plan);
    const auto record = steps_of<RecordSnapshot>(*plan)[0];
    EXPECT_EQ(record.snapshot.name.str(), "before-upgrade");
    EXPECT_EQ(record.new_layers[0].path, "/backup/before-upgrade/vda_before-upgrade.qcow2");
    EXPECT_EQ(record.snapshot.memory.path, "/backup/before-upgrade/before-upgrade.save");
    EXPECT_EQ(kind_of(create({.path = "relative"})), ErrorKind::invalid);
    EXPECT_EQ(kind_of(create({.path = "/backup/.hidden"})), ErrorKind::invalid);
}

TEST_F(SnapshotCreate, RefusesWhatCannotBe) {
    run();
    take("a", DiskMode::external);
    EXPECT_EQ(kind_of(create({.name = snap("a")})), ErrorKind::exists);
    EXPECT_EQ(kind_of(create({.disks = {{.target = disk("vdz")}}})), ErrorKind::not_found);
    EXPECT_EQ(kind_of(create({.disk_only = true, .all_disks = DiskMode::no})), ErrorKind::invalid);
    facts.free_bytes = 1000;
    EXPECT_EQ(kind_of(create({.name = snap("b")})), ErrorKind::no_space);
}

TEST_F(SnapshotCreate, AnImageThatAnotherToolRebasedIsCorrupt) {
    run();
    take("a", DiskMode::external);
    facts.image_facts[facts.images.find(facts.active[disk("vda")])->path].backing_path = "/etc/passwd";
    const auto plan = create({.name = snap("b")});
    ASSERT_EQ(kind_of(plan), ErrorKind::corrupt);
    EXPECT_NE(plan.error().why.find("/etc/passwd"), std::string::npos);
}

TEST_F(SnapshotCreate, AnExternalDataFileIsRefused) {
    run();
    facts.image_facts["/img/vda.qcow2"].has_external_data_file = true;
    EXPECT_EQ(kind_of(create({.name = snap("a")})), ErrorKind::unsupported);
}

TEST_F(SnapshotCreate, TheNextSnapshotDropsWhatARevertLeftBehind) {
    run();
    take("a", DiskMode::external);
    revert("a");
    ASSERT_EQ(facts.left_behind.size(), 2u);
    const auto plan = create({.name = snap("b"), .all_disks = DiskMode::external});
    ASSERT_TRUE(plan);
    const auto removed = steps_of<RemoveFile>(*plan);
    ASSERT_EQ(removed.size(), 2u);
    EXPECT_TRUE(removed[0].path.ends_with("_a.qcow2"));
    EXPECT_GT(place_of<RemoveFile>(*plan), plan->commit_from);
}

TEST_F(SnapshotCreate, MoreMemoryThanSpaceIsToldBeforehand) {
    run();
    facts.free_bytes = 300ull << 20;
    const auto plan = create({.name = snap("a")});
    ASSERT_TRUE(plan);
    EXPECT_GT(plan->space.value, facts.free_bytes);
    EXPECT_NE(plan->notes.back().find("free"), std::string::npos);
}

}  // namespace
}  // namespace stasis::plan
