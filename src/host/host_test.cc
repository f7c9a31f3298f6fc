// The use cases from end to end on fake:///: Host with real planners, engine and catalog, and guests in memory whose
// counter is kept in memory and written to both disks.
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include <stasis/host.h>

#include "hypervisor/fake/driver.h"
#include "seam/posix/posix.h"
#include "seam/testing/temp_folder.h"

namespace stasis {
namespace {

class HostOnFake : public testing::Test {
protected:
    void SetUp() override {
        open();
        DefineAsOptions options;
        options.name = "web";
        options.disks = {{.target = "vda", .path = "/img/a.qcow2"}, {.target = "vdb", .path = "/img/b.qcow2"}};
        ASSERT_TRUE(host_->define_as(options, {}));
        before_ = tree();
    }

    void open(std::chrono::milliseconds lock_wait = std::chrono::milliseconds(50)) {
        auto opened = Host::open({.uri = "fake:///", .root = folder_.path(), .command = "test", .lock_wait = lock_wait});
        ASSERT_TRUE(opened) << opened.error().render();
        host_ = *std::move(opened);
    }

    /// The guest's own view, through a second look at the same world.
    std::unique_ptr<fake::FakeDriver> look() {
        auto driver = fake::FakeDriver::open(*files_, folder_.at("fake/world.json"));
        EXPECT_TRUE(driver);
        return *std::move(driver);
    }
    model::GuestRef guest() {
        const auto world = look()->world();
        for (const auto& [ref, value] : world->guests) last_ = ref;
        return last_;
    }
    void tick(int times) {
        const auto driver = look();
        const model::GuestRef ref = guest();
        for (int i = 0; i < times; ++i) ASSERT_TRUE(driver->tick(ref));
    }
    struct Seen {
        std::uint64_t counter = 0, nonce = 0, vda = 0, vdb = 0;
        bool operator==(const Seen&) const = default;
    };
    Seen seen() {
        const auto driver = look();
        const model::GuestRef ref = guest();
        const auto memory = driver->guest_memory(ref);
        EXPECT_TRUE(memory);
        return {memory->counter, memory->nonce, *driver->guest_read(ref, *DiskTarget::parse("vda"), 0),
                *driver->guest_read(ref, *DiskTarget::parse("vdb"), 0)};
    }
    /// All paths of the fake world beside the disks, and what violates its rules.
    std::set<std::string> tree() {
        const auto world = look()->world();
        std::set<std::string> paths(world->folders.begin(), world->folders.end());
        for (const auto& [path, image] : world->images) paths.insert(path);
        for (const auto& [path, file] : world->files) paths.insert(path);
        std::erase_if(paths, [](const std::string& path) { return path.starts_with("/img/"); });
        EXPECT_TRUE(world->violations.empty()) << world->violations.front();
        return paths;
    }
    SnapshotCreated take(const std::string& name, std::optional<DiskMode> mode) {
        SnapshotCreateOptions options;
        options.name = *SnapshotName::parse(name);
        options.all_disks = mode;
        auto made = host_->snapshot_create("web", options, {});
        EXPECT_TRUE(made) << made.error().render();
        return *made->value;
    }
    void revert(const std::string& name, std::optional<DomainState> wanted = {}) {
        auto done = host_->snapshot_revert("web", {.name = *SnapshotName::parse(name), .wanted = wanted}, {});
        ASSERT_TRUE(done) << done.error().render();
    }
    void remove(const std::string& name, bool children = false) {
        auto done = host_->snapshot_delete("web", {.name = *SnapshotName::parse(name), .children = children}, {});
        ASSERT_TRUE(done) << done.error().render();
    }

    seam::TempFolder folder_;
    std::unique_ptr<seam::FileSystem> files_ = seam::make_posix_file_system();
    std::unique_ptr<Host> host_;
    model::GuestRef last_;
    std::set<std::string> before_;
};

class EitherWay : public HostOnFake, public testing::WithParamInterface<DiskMode> {};

TEST_P(EitherWay, MemoryAndDisksComeBackAtOneInstant) {
    ASSERT_TRUE(host_->start("web", false, {}));
    tick(3);
    const Seen then = seen();
    take("a", GetParam());
    tick(4);
    EXPECT_NE(seen(), then);
    revert("a");
    EXPECT_EQ(seen(), then);
    tick(1);
    EXPECT_EQ(seen().counter, then.counter + 1);
    revert("a");
    EXPECT_EQ(seen(), then) << "a second revert finds the same instant";
}

TEST_P(EitherWay, DeletingEverythingLeavesTheGuestAsItIsAndNoFile) {
    ASSERT_TRUE(host_->start("web", false, {}));
    for (const char* name : {"a", "b", "c"}) {
        take(name, GetParam());
        tick(2);
    }
    const Seen now = seen();
    remove("a", true);
    EXPECT_EQ(seen(), now);
    EXPECT_EQ(tree(), before_);
    EXPECT_TRUE(host_->snapshot_list("web", {})->empty());
    EXPECT_EQ(host_->domain_info("web")->disks[0].source, "/img/a.qcow2");
}

TEST_P(EitherWay, ASnapshotOfAStoppedDomainComesBack) {
    ASSERT_TRUE(host_->start("web", false, {}));
    tick(5);
    ASSERT_TRUE(host_->destroy("web", {}));
    take("cold", GetParam());
    ASSERT_TRUE(host_->start("web", false, {}));
    tick(7);
    revert("cold");
    EXPECT_EQ(host_->domain_info("web")->summary.state, DomainState::shut_off);
    const auto path = host_->domain_info("web")->disks[0].source;
    EXPECT_EQ(look()->image_read(path, 0), 5u);
}

INSTANTIATE_TEST_SUITE_P(Disks, EitherWay, testing::Values(DiskMode::internal, DiskMode::external),
                         [](const testing::TestParamInfo<DiskMode>& each) { return std::string(to_string(each.param)); });

TEST_F(HostOnFake, AMixtureOfInternalAndExternalIsOneInstant) {
    ASSERT_TRUE(host_->start("web", false, {}));
    tick(2);
    const Seen then = seen();
    SnapshotCreateOptions options;
    options.name = *SnapshotName::parse("m");
    options.disks = {{.target = *DiskTarget::parse("vda"), .mode = DiskMode::internal},
                     {.target = *DiskTarget::parse("vdb"), .mode = DiskMode::external}};
    ASSERT_TRUE(host_->snapshot_create("web", options, {}));
    tick(2);
    revert("m");
    EXPECT_EQ(seen(), then);
}

TEST_F(HostOnFake, RevertRunsOrPausesAsTold) {
    ASSERT_TRUE(host_->start("web", false, {}));
    take("r", DiskMode::external);
    revert("r", DomainState::paused);
    EXPECT_EQ(host_->list()->at(0).state, DomainState::paused);
    ASSERT_TRUE(host_->resume("web", {}));
    EXPECT_EQ(host_->list()->at(0).state, DomainState::running);
    ASSERT_TRUE(host_->suspend("web", {}));
    take("p", DiskMode::external);
    revert("p");
    EXPECT_EQ(host_->list()->at(0).state, DomainState::paused);
    revert("p", DomainState::running);
    EXPECT_EQ(host_->list()->at(0).state, DomainState::running);
}

TEST_F(HostOnFake, LayersLeftBehindAreKeptUntilTheNextSnapshot) {
    ASSERT_TRUE(host_->start("web", false, {}));
    take("a", DiskMode::external);
    const auto left = host_->domain_info("web")->disks[0].source;
    revert("a");
    EXPECT_EQ(host_->domain_info("web")->left_behind_layers, 2u);
    EXPECT_TRUE(look()->world()->images.contains(left));
    take("b", DiskMode::external);
    EXPECT_EQ(host_->domain_info("web")->left_behind_layers, 0u);
    EXPECT_FALSE(look()->world()->images.contains(left));
}

TEST_F(HostOnFake, ExplainingChangesNothing) {
    ASSERT_TRUE(host_->start("web", false, {}));
    take("a", DiskMode::external);
    const auto world = *look()->world();
    const RunMode explain{.explain_only = true};
    EXPECT_FALSE(host_->snapshot_create("web", {}, explain)->plan.steps.empty());
    EXPECT_FALSE(host_->snapshot_revert("web", {.name = *SnapshotName::parse("a")}, explain)->plan.steps.empty());
    const auto removal = host_->snapshot_delete("web", {.name = *SnapshotName::parse("a")}, explain);
    EXPECT_FALSE(removal->value);
    EXPECT_FALSE(host_->destroy("web", explain)->plan.steps.empty());
    EXPECT_EQ(*look()->world(), world);
    EXPECT_EQ(host_->snapshot_list("web", {})->size(), 1u);
}

TEST_F(HostOnFake, AFailingRevertLeavesTheOldGuestRunning) {
    ASSERT_TRUE(host_->start("web", false, {}));
    tick(1);
    const auto made = take("a", DiskMode::external);
    tick(1);
    const Seen now = seen();
    const std::string memory = host_->snapshot_info("web", made.name)->memory_file;
    ASSERT_TRUE(look()->put_file(memory, "damaged"));
    const auto failed = host_->snapshot_revert("web", {.name = made.name}, {});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::corrupt);
    EXPECT_EQ(host_->list()->at(0).state, DomainState::running);
    EXPECT_EQ(seen(), now);
    tick(1);
}

TEST_F(HostOnFake, ASecondCommandWaitsABoundedTimeAndNamesTheHolder) {
    const auto uuid = host_->list()->at(0).uuid.str();
    auto lock = files_->lock(folder_.at("locks/" + uuid + ".lock"), "snapshot-create web", std::chrono::milliseconds(0));
    ASSERT_TRUE(lock);
    const auto refused = host_->start("web", false, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::busy);
    EXPECT_NE(refused.error().render().find("snapshot-create web"), std::string::npos);
    EXPECT_TRUE(host_->list()) << "reading never waits";
    lock->reset();
    EXPECT_TRUE(host_->start("web", false, {}));
}

TEST_F(HostOnFake, UnknownThingsAreNotFound) {
    EXPECT_EQ(host_->domain_info("nope").error().kind, ErrorKind::not_found);
    EXPECT_EQ(host_->start("nope", false, {}).error().kind, ErrorKind::not_found);
    EXPECT_EQ(host_->snapshot_info("web", *SnapshotName::parse("nope")).error().kind, ErrorKind::not_found);
    EXPECT_EQ(host_->snapshot_revert("web", {.name = *SnapshotName::parse("nope")}, {}).error().kind, ErrorKind::not_found);
    EXPECT_FALSE(Host::open({.uri = "vbox:///", .root = "/tmp"}));
    EXPECT_FALSE(Host::open({.uri = "fake:///", .root = "relative"}));
}

TEST_F(HostOnFake, ListsSelectAndOrder) {
    ASSERT_TRUE(host_->start("web", false, {}));
    take("b", DiskMode::external);
    take("a", DiskMode::external);
    revert("b");
    take("c", DiskMode::external);
    const auto names = [&](const SnapshotListOptions& options) {
        std::string all;
        const auto listed = host_->snapshot_list("web", options);
        for (const SnapshotInfo& info : *listed) all += info.name.str();
        return all;
    };
    const auto b = *SnapshotName::parse("b");
    EXPECT_EQ(names({}), "abc");
    EXPECT_EQ(names({.topological = true}), "bac");
    EXPECT_EQ(names({.roots = true}), "b");
    EXPECT_EQ(names({.leaves = true}), "ac");
    EXPECT_EQ(names({.from = b}), "ac");
    EXPECT_EQ(names({.descendants = true, .from = b}), "ac");
    EXPECT_EQ(host_->snapshot_info("web", b)->descendants, 2u);
    EXPECT_EQ((*host_->snapshot_current("web"))->name.str(), "c");
}

TEST_F(HostOnFake, BothNotationsGiveOneDomain) {
    DefineOptions cfg{.text = "name=\"x\"\nuuid=\"11111111-2222-3333-4444-555555555555\"\nmemory=256\nvcpus=2\n"
                              "disk=['format=qcow2,vdev=vda,access=rw,target=/img/x.qcow2']\n",
                      .source = "/etc/x.cfg"};
    ASSERT_TRUE(host_->define(cfg, {}));
    const std::string xml = *host_->dump_xml("x");
    DefineOptions document{.text = xml, .source = "/etc/x.xml"};
    ASSERT_TRUE(host_->define(document, {}));
    EXPECT_EQ(*host_->dump_xml("x"), xml);
}

TEST_F(HostOnFake, RedefiningByNameKeepsUuidAndLayers) {
    ASSERT_TRUE(host_->start("web", false, {}));
    take("a", DiskMode::external);
    const Uuid uuid = host_->list()->at(0).uuid;
    const std::string active = host_->domain_info("web")->disks[0].source;
    ASSERT_TRUE(host_->define({.text = *host_->dump_xml("web"), .source = "/x.xml"}, {}));
    EXPECT_EQ(host_->list()->at(0).uuid, uuid);
    EXPECT_EQ(host_->domain_info("web")->disks[0].source, active);
    EXPECT_EQ(host_->domain_info("web")->disks[0].depth, 2u);
}

TEST_F(HostOnFake, ASnapshotKeepsWhatTheGuestWasStartedWithNotWhatWasDefinedSince) {
    ASSERT_TRUE(host_->start("web", false, {}));
    std::string xml = *host_->dump_xml("web");
    const std::string one = ">1</vcpu>";
    ASSERT_NE(xml.find(one), std::string::npos);
    ASSERT_TRUE(host_->define({.text = xml.replace(xml.find(one), one.size(), ">2</vcpu>"), .source = "/x.xml"}, {}));
    const SnapshotName name = take("a", DiskMode::external).name;
    EXPECT_NE(host_->snapshot_dump_xml("web", name)->find(one), std::string::npos);
    EXPECT_EQ(host_->snapshot_revert("web", {.name = name}, {}).error().kind, ErrorKind::unsupported);
    EXPECT_TRUE(host_->snapshot_revert("web", {.name = name, .force = true}, {}));
}

TEST_F(HostOnFake, SettingsAreObeyedAndChecked) {
    const auto write = [&](const std::string& text) { ASSERT_TRUE(seam::replace_file(*files_, folder_.at("stasis.conf"), text)); };
    write("snapshots_root = \"/elsewhere\"\ncompression = \"zstd\"\n");
    open();
    const auto plan = host_->snapshot_create("web", {}, {.explain_only = true});
    ASSERT_TRUE(plan) << plan.error().render();
    EXPECT_NE(plan->plan.steps.front().find("/elsewhere/"), std::string::npos);
    write("compresion = \"zstd\"\n");
    const auto refused = Host::open({.uri = "fake:///", .root = folder_.path()});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().render().find("compresion"), std::string::npos);
}

TEST_F(HostOnFake, UndefineNeedsADomainWithoutGuestAndSnapshots) {
    ASSERT_TRUE(host_->start("web", false, {}));
    EXPECT_FALSE(host_->undefine("web", {}));
    take("a", DiskMode::external);
    ASSERT_TRUE(host_->destroy("web", {}));
    EXPECT_FALSE(host_->undefine("web", {}));
    remove("a");
    EXPECT_TRUE(host_->undefine("web", {}));
    EXPECT_TRUE(host_->list()->empty());
}

}  // namespace
}  // namespace stasis
