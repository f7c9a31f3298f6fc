#include "plan/chains.h"
#include "plan/facts_for_test.h"

namespace stasis::plan {
namespace {

class LifecyclePlans : public testing::Test, public World4Test {
protected:
    /// The domain as a new document would describe it.
    model::Domain fresh() { return facts.definition; }
};

TEST_F(LifecyclePlans, DefiningRegistersEveryImageOfTheChain) {
    model::Domain domain = fresh();
    domain.disks.resize(1);
    const ImageFactsByPath images{
        {"/img/vda.qcow2", {.virtual_bytes = 5, .backing_path = "base/t.raw", .backing_format = "raw"}},
        {"/img/base/t.raw", {.format = model::ImageFormat::raw, .virtual_bytes = 4}}};
    const auto plan = plan_define(domain, {}, images);
    ASSERT_TRUE(plan) << plan.error().render();
    const RecordDomain record = steps_of<RecordDomain>(*plan).at(0);
    ASSERT_EQ(record.images.size(), 2u);
    EXPECT_EQ(record.images[0].path, "/img/base/t.raw");
    EXPECT_EQ(record.images[0].format, model::ImageFormat::raw);
    EXPECT_EQ(record.images[1].backing, record.images[0].id);
    EXPECT_EQ(record.active.at(disk("vda")), record.images[1].id);
    EXPECT_FALSE(record.images[1].made_by_stasis);
}

TEST_F(LifecyclePlans, ABackingFormatThatIsNotStatedIsRefused) {
    model::Domain domain = fresh();
    const ImageFactsByPath images{{"/img/vda.qcow2", {.backing_path = "t.raw"}}};
    const auto plan = plan_define(domain, {}, images);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, ErrorKind::unsupported);
}

TEST_F(LifecyclePlans, APseudoProtocolIsNoBackingPath) {
    for (const char* name : {"json:{\"driver\":\"raw\"}", "nbd://host/x", "fd:3", "rbd:pool/x"}) {
        EXPECT_FALSE(backing_path_of("/img/a.qcow2", name)) << name;
    }
    EXPECT_EQ(*backing_path_of("/img/a.qcow2", "../b/./c:d.qcow2"), "/b/c:d.qcow2");
}

TEST_F(LifecyclePlans, AChainThatLoopsIsRefused) {
    model::Domain domain = fresh();
    const ImageFactsByPath images{{"/img/vda.qcow2", {.backing_path = "vda.qcow2", .backing_format = "qcow2"}}};
    EXPECT_FALSE(plan_define(domain, {}, images));
}

TEST_F(LifecyclePlans, AnotherUuidUnderTheSameNameIsRefused) {
    model::Domain domain = fresh();
    domain.uuid = Uuid::random();
    const auto plan = plan_define(domain, facts, {});
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, ErrorKind::exists);
}

TEST_F(LifecyclePlans, RedefiningKeepsTheLayersOfDisksThatStay) {
    run();
    take("a", DiskMode::external);
    model::Domain edited = fresh();
    edited.vcpus = 2;
    // dumpxml names the active layer, and that is what an editor sends back.
    edited.disks[0].source = facts.images.find(facts.active[disk("vda")])->path;
    const auto plan = plan_define(edited, facts, facts.image_facts);
    ASSERT_TRUE(plan) << plan.error().render();
    const RecordDomain record = steps_of<RecordDomain>(*plan).at(0);
    EXPECT_TRUE(record.images.empty());
    EXPECT_TRUE(record.active.empty());
    EXPECT_NE(record.definition_xml.find("/img/vda.qcow2"), std::string::npos);
    EXPECT_FALSE(plan->notes.empty()) << "it runs, so the change waits";
}

TEST_F(LifecyclePlans, AFrozenLayerIsNoSourceForADisk) {
    take("a", DiskMode::external);
    model::Domain edited = fresh();
    // Another disk would write to the image that snapshot a holds for vda.
    edited.disks.push_back({.target = disk("vdc"), .source = "/img/vda.qcow2", .format = model::ImageFormat::qcow2});
    const auto plan = plan_define(edited, facts, facts.image_facts);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, ErrorKind::invalid);
    EXPECT_NE(plan.error().why.find("/img/vda.qcow2"), std::string::npos);
}

TEST_F(LifecyclePlans, ALayerOfAnotherDiskIsNoSourceEither) {
    take("a", DiskMode::external);
    model::Domain edited = fresh();
    edited.disks.push_back({.target = disk("vdc"), .source = facts.images.find(facts.active[disk("vda")])->path,
                            .format = model::ImageFormat::qcow2});
    const auto plan = plan_define(edited, facts, facts.image_facts);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, ErrorKind::invalid);
}

TEST_F(LifecyclePlans, ASourceThatCutsOffTheNewestLayerIsRefused) {
    take("a", DiskMode::external);
    model::Domain edited = fresh();
    edited.disks[0].source = "/img/other.qcow2";
    facts.image_facts["/img/other.qcow2"] = {.virtual_bytes = 5};
    const auto plan = plan_define(edited, facts, facts.image_facts);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, ErrorKind::invalid);
    EXPECT_NE(plan.error().why.find(facts.images.find(facts.active[disk("vda")])->path), std::string::npos);
    EXPECT_NE(plan.error().next.find("snapshots"), std::string::npos);
}

TEST_F(LifecyclePlans, AnImageChangesOnlyWhileTheGuestIsOff) {
    model::Domain edited = fresh();
    edited.disks[0].source = "/img/other.qcow2";
    facts.image_facts["/img/other.qcow2"] = {.virtual_bytes = 5};
    run();
    const auto live = plan_define(edited, facts, facts.image_facts);
    ASSERT_FALSE(live);
    EXPECT_EQ(live.error().kind, ErrorKind::invalid);
    EXPECT_NE(live.error().next.find("shut"), std::string::npos);
    facts.guest.reset();
    facts.state = DomainState::shut_off;
    const auto plan = plan_define(edited, facts, facts.image_facts);
    ASSERT_TRUE(plan) << plan.error().render();
    const RecordDomain record = steps_of<RecordDomain>(*plan).at(0);
    ASSERT_EQ(record.images.size(), 1u);
    EXPECT_EQ(record.images[0].path, "/img/other.qcow2");
    EXPECT_EQ(record.active.at(disk("vda")), record.images[0].id);
}

TEST_F(LifecyclePlans, TheMediumOfACdromChangesWhileTheGuestRuns) {
    facts.definition.disks.push_back({.target = disk("sda"), .device = model::DiskDevice::cdrom, .read_only = true});
    refresh();
    run();
    model::Domain edited = fresh();
    edited.disks[2].source = "/img/disc.iso";
    edited.disks[2].format = model::ImageFormat::raw;
    facts.image_facts["/img/disc.iso"] = {.format = model::ImageFormat::raw, .virtual_bytes = 5};
    const auto plan = plan_define(edited, facts, facts.image_facts);
    EXPECT_TRUE(plan) << plan.error().render();
}

/// The definition lost the disk, the catalog kept its layers, and the document names the one in use.
TEST_F(LifecyclePlans, NamingTheActiveLayerOfADiskRegistersNothing) {
    take("a", DiskMode::external);
    model::Domain document = fresh();
    const model::ImageId layer = facts.active[disk("vdb")];
    document.disks[1].source = facts.images.find(layer)->path;
    facts.definition.disks.pop_back();
    refresh();
    run();
    const auto plan = plan_define(document, facts, facts.image_facts);
    ASSERT_TRUE(plan) << plan.error().render();
    const RecordDomain record = steps_of<RecordDomain>(*plan).at(0);
    EXPECT_TRUE(record.images.empty());
    EXPECT_TRUE(record.active.empty());
    document.disks[1].format = model::ImageFormat::raw;
    EXPECT_FALSE(plan_define(document, facts, facts.image_facts)) << "read as raw it is another disk";
}

TEST_F(LifecyclePlans, StartLaunchesRecordsAndRuns) {
    const auto plan = plan_start(facts, false);
    ASSERT_TRUE(plan) << plan.error().render();
    EXPECT_LT(place_of<LaunchGuest>(*plan), place_of<RecordGuest>(*plan));
    EXPECT_LT(place_of<RecordGuest>(*plan), place_of<ResumeGuest>(*plan));
    EXPECT_EQ(plan->commit_from, place_of<RecordGuest>(*plan));
    EXPECT_TRUE(steps_of<ResumeGuest>(*plan_start(facts, true)).empty());
}

TEST_F(LifecyclePlans, StartNamesTheDiskThatIsMissing) {
    facts.image_facts.erase("/img/vdb.qcow2");
    facts.unreadable.emplace("/img/vdb.qcow2", Error{.kind = ErrorKind::not_found, .why = "no such file"});
    const auto plan = plan_start(facts, false);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, ErrorKind::not_found);
    EXPECT_NE(plan.error().next.find("vdb"), std::string::npos);
}

TEST_F(LifecyclePlans, EachVerbWantsItsState) {
    EXPECT_FALSE(plan_destroy(facts));
    EXPECT_FALSE(plan_suspend(facts));
    EXPECT_FALSE(plan_resume(facts));
    EXPECT_FALSE(plan_shutdown(facts));
    run();
    EXPECT_FALSE(plan_start(facts, false));
    EXPECT_FALSE(plan_undefine(facts));
    EXPECT_FALSE(plan_resume(facts));
    EXPECT_TRUE(plan_suspend(facts));
    EXPECT_TRUE(plan_shutdown(facts));
    run(DomainState::paused);
    EXPECT_FALSE(plan_suspend(facts));
    EXPECT_FALSE(plan_shutdown(facts));
    EXPECT_TRUE(plan_resume(facts));
    run(DomainState::crashed);
    EXPECT_FALSE(plan_resume(facts));
    EXPECT_TRUE(plan_destroy(facts));
}

TEST_F(LifecyclePlans, ADomainWithSnapshotsIsNotUndefined) {
    take("a", DiskMode::external);
    const auto plan = plan_undefine(facts);
    ASSERT_FALSE(plan);
    EXPECT_NE(plan.error().next.find("snapshot-delete"), std::string::npos);
}

}  // namespace
}  // namespace stasis::plan
