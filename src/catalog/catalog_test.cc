#include "catalog/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/values_for_test.h"

namespace stasis::catalog {
namespace {

using ::testing::ElementsAre;
using LayerChange = Catalog::LayerChange;

class CatalogTest : public ::testing::Test {
protected:
    void SetUp() override {
        catalog_ = *Catalog::open(":memory:");
        LayerChange change;
        change.put_images = {image(1, "vda"), image(2, "vdb"), image(4, "vda", 1)};
        change.put_images[0].frozen = model::Fingerprint{7, -8, UINT64_MAX};
        change.active = {{target("vda"), {4}}, {target("vdb"), {2}}};
        ASSERT_TRUE(catalog_->define_domain(domain_name("web"), web_, "<domain/>", change).has_value());
    }
    DomainRecord web() {
        auto record = catalog_->domain("web");
        EXPECT_TRUE(record.has_value());
        return record.value_or(DomainRecord{});
    }
    std::unique_ptr<Catalog> catalog_;
    const Uuid web_ = *Uuid::parse("11111111-2222-3333-4444-555555555555");
};

TEST_F(CatalogTest, ADomainComesBackAsItWasPut) {
    ASSERT_TRUE(catalog_->set_process(web_, model::GuestProcess{3, 4711, UINT64_MAX}).has_value());
    ASSERT_TRUE(catalog_->set_nvram(web_, "/n/web").has_value());
    const DomainRecord record = web();
    EXPECT_EQ(record.uuid, web_);
    EXPECT_EQ(record.definition_xml, "<domain/>");
    EXPECT_EQ(record.process, (model::GuestProcess{3, 4711, UINT64_MAX}));
    EXPECT_EQ(record.nvram, "/n/web");
    ASSERT_NE(record.images.find({1}), nullptr);
    EXPECT_EQ(record.images.find({1})->frozen, (model::Fingerprint{7, -8, UINT64_MAX}));
    EXPECT_EQ(*record.images.find({4}), image(4, "vda", 1));
    EXPECT_EQ(record.active, (model::ActiveLayers{{target("vda"), {4}}, {target("vdb"), {2}}}));
    EXPECT_EQ(catalog_->domain(web_.str())->name, domain_name("web"));
}

TEST_F(CatalogTest, AnUnknownDomainIsNotFound) {
    EXPECT_EQ(catalog_->domain("nobody").error().kind, ErrorKind::not_found);
    const Uuid other = Uuid::random();
    EXPECT_EQ(catalog_->snapshots(other).error().kind, ErrorKind::not_found);
    EXPECT_EQ(catalog_->set_nvram(other, "x").error().kind, ErrorKind::not_found);
    EXPECT_EQ(catalog_->claim_generation(other).error().kind, ErrorKind::not_found);
    EXPECT_TRUE(catalog_->remove_domain(other).has_value());
}

TEST_F(CatalogTest, ANameBelongsToOneDomain) {
    EXPECT_EQ(catalog_->put_domain(domain_name("web"), Uuid::random(), "x").error().kind, ErrorKind::exists);
    ASSERT_TRUE(catalog_->put_domain(domain_name("renamed"), web_, "<new/>").has_value());
    EXPECT_EQ(catalog_->domain("renamed")->definition_xml, "<new/>");
    EXPECT_EQ(catalog_->domain("renamed")->images.images().size(), 3u);
}

TEST_F(CatalogTest, ADomainNamedLikeAUuidDoesNotStandInForIt) {
    ASSERT_TRUE(catalog_->put_domain(domain_name(web_.str().c_str()), Uuid::random(), "x").has_value());
    EXPECT_EQ(catalog_->domain(web_.str())->uuid, web_);
}

TEST_F(CatalogTest, DomainsAreListedByNameWithTheirCounts) {
    ASSERT_TRUE(catalog_->put_domain(domain_name("alpha"), Uuid::random(), "x").has_value());
    ASSERT_TRUE(catalog_->put_snapshot(web_, snapshot("a"), {}).has_value());
    const auto all = *catalog_->domains();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].name, domain_name("alpha"));
    EXPECT_EQ(all[1].snapshot_count, 1u);
}

TEST_F(CatalogTest, AGenerationIsNeverGivenOutTwice) {
    EXPECT_EQ(*catalog_->claim_generation(web_), 1u);
    EXPECT_EQ(*catalog_->claim_generation(web_), 2u);
    EXPECT_EQ(web().next_generation, 3u);
}

TEST_F(CatalogTest, AnImageIdIsNeverGivenOutTwice) {
    EXPECT_EQ(web().images.next_id(), model::ImageId{5});
    LayerChange change;
    change.put_images = {image(7, "vda", 4), image(6, "vda", 4)};
    ASSERT_TRUE(catalog_->put_snapshot(web_, snapshot("a"), change).has_value());
    LayerChange back;
    back.remove_images = {{6}, {7}};
    ASSERT_TRUE(catalog_->remove_snapshots(web_, {name("a")}, back).has_value());
    EXPECT_EQ(web().images.find({7}), nullptr);
    EXPECT_EQ(web().images.next_id(), model::ImageId{8});
    change.put_images = {image(2, "vdb")};  // a known image again lowers nothing
    ASSERT_TRUE(catalog_->change_layers(web_, change).has_value());
    EXPECT_EQ(web().images.next_id(), model::ImageId{8});
    change.put_images = {image(UINT32_MAX, "vdb")};
    EXPECT_FALSE(catalog_->change_layers(web_, change).has_value()) << "nothing could follow it";
}

TEST_F(CatalogTest, RemovingADomainRemovesAllThatBelongsToIt) {
    LayerChange change;
    change.current = name("a");
    ASSERT_TRUE(catalog_->put_snapshot(web_, snapshot("a"), change).has_value());
    ASSERT_TRUE(catalog_->put_snapshot(web_, snapshot("b", name("a")), {}).has_value());
    ASSERT_TRUE(catalog_->remove_domain(web_).has_value());
    EXPECT_TRUE(catalog_->domains()->empty());
    ASSERT_TRUE(catalog_->put_domain(domain_name("web"), web_, "x").has_value());
    EXPECT_TRUE(catalog_->snapshots(web_)->snapshots().empty());
    EXPECT_TRUE(web().images.images().empty());
}

TEST_F(CatalogTest, LayersChangeInOneTransaction) {
    LayerChange change;
    change.put_images = {image(5, "vda", 1)};
    change.active = {{target("vda"), {5}}, {target("vdb"), {0}}};
    change.add_left_behind = {{4}};
    change.definition_xml = "<other/>";
    change.process = model::GuestProcess{2, 5, 6};
    ASSERT_TRUE(catalog_->change_layers(web_, change).has_value());
    EXPECT_EQ(web().active, (model::ActiveLayers{{target("vda"), {5}}}));
    EXPECT_THAT(web().left_behind, ElementsAre(model::ImageId{4}));
    EXPECT_EQ(web().definition_xml, "<other/>");
    LayerChange back;
    back.remove_images = {{5}, {2}};
    back.active = {{target("vda"), {4}}};
    back.process = std::optional<model::GuestProcess>{};
    ASSERT_TRUE(catalog_->change_layers(web_, back).has_value());
    EXPECT_TRUE(web().left_behind.empty());
    EXPECT_EQ(web().images.images().size(), 2u);
    EXPECT_FALSE(web().process.has_value());
}

TEST_F(CatalogTest, AnImageThatOthersNeedStays) {
    LayerChange change;
    change.remove_images = {{1}};  // image 4 builds on it
    EXPECT_FALSE(catalog_->change_layers(web_, change).has_value());
    change.remove_images = {{2}};  // vdb writes to it
    EXPECT_FALSE(catalog_->change_layers(web_, change).has_value());
    change.remove_images = {};
    change.put_images = {image(9, "vda", 77)};  // no such backing image
    EXPECT_FALSE(catalog_->change_layers(web_, change).has_value());
    EXPECT_EQ(web().images.images().size(), 3u);
}

TEST_F(CatalogTest, ASnapshotComesBackAsItWasPut) {
    LayerChange change;
    change.current = name("a");
    ASSERT_TRUE(catalog_->put_snapshot(web_, snapshot("a"), change).has_value());
    ASSERT_TRUE(catalog_->put_snapshot(web_, snapshot("b", name("a")), {}).has_value());
    const auto tree = catalog_->snapshots(web_);
    ASSERT_TRUE(tree.has_value()) << tree.error().render();
    EXPECT_EQ(tree->current(), name("a"));
    EXPECT_EQ(*tree->find(name("a")), snapshot("a"));
    EXPECT_EQ(*tree->find(name("b")), snapshot("b", name("a")));
    EXPECT_EQ(web().current_snapshot, name("a"));
}

TEST_F(CatalogTest, PuttingASnapshotAgainReplacesIt) {
    ASSERT_TRUE(catalog_->put_snapshot(web_, snapshot("a"), {}).has_value());
    ASSERT_TRUE(catalog_->put_snapshot(web_, snapshot("b", name("a")), {}).has_value());
    model::Snapshot changed = snapshot("a");
    changed.disks.resize(1);
    changed.pause_us.reset();
    ASSERT_TRUE(catalog_->put_snapshot(web_, changed, {}).has_value());
    EXPECT_EQ(*catalog_->snapshots(web_)->find(name("a")), changed);
    EXPECT_EQ(catalog_->snapshots(web_)->find(name("b"))->parent, name("a"));
}

TEST_F(CatalogTest, AFailedChangeTakesTheSnapshotWithIt) {
    LayerChange change;
    change.remove_images = {{1}};
    EXPECT_FALSE(catalog_->put_snapshot(web_, snapshot("a"), change).has_value());
    EXPECT_TRUE(catalog_->snapshots(web_)->snapshots().empty());
    EXPECT_FALSE(catalog_->put_snapshot(web_, snapshot("b", name("nobody")), {}).has_value());
}

TEST_F(CatalogTest, RemovedSnapshotsGiveTheirChildrenTheNearestSurvivor) {
    for (const auto& [child, parent] : std::vector<std::pair<const char*, const char*>>{
             {"a", ""}, {"b", "a"}, {"c", "b"}, {"d", "c"}, {"e", "b"}})
        ASSERT_TRUE(catalog_->put_snapshot(web_, snapshot(child, *parent ? std::optional(name(parent)) : std::nullopt), {}).has_value());
    LayerChange change;
    change.current = name("d");
    ASSERT_TRUE(catalog_->change_layers(web_, change).has_value());
    for (int twice = 0; twice < 2; ++twice)
        ASSERT_TRUE(catalog_->remove_snapshots(web_, {name("c"), name("b")}, {}).has_value());
    const auto tree = *catalog_->snapshots(web_);
    EXPECT_EQ(tree.snapshots().size(), 3u);
    EXPECT_EQ(tree.find(name("d"))->parent, name("a"));
    EXPECT_EQ(tree.find(name("e"))->parent, name("a"));
    EXPECT_EQ(tree.current(), name("d"));
    ASSERT_TRUE(catalog_->remove_snapshots(web_, {name("d")}, {}).has_value());
    EXPECT_EQ(catalog_->snapshots(web_)->current(), std::nullopt);
}

TEST_F(CatalogTest, TheJournalKeepsTheLastMarkOfEachStep) {
    const auto id = *catalog_->begin_operation(web_, "snapshot-create", "plan", {99});
    ASSERT_TRUE(catalog_->mark_step(id, 0, StepState::intended, "before").has_value());
    ASSERT_TRUE(catalog_->mark_steps(id, {{0, StepState::done, "out"}, {1, StepState::intended, ""}}).has_value());
    const auto open = *catalog_->open_operations(web_);
    ASSERT_EQ(open.size(), 1u);
    EXPECT_EQ(open[0].plan_text, "plan");
    EXPECT_EQ(open[0].started.value, 99);
    ASSERT_EQ(open[0].marks.size(), 2u);
    EXPECT_EQ(open[0].marks[0].state, StepState::done);
    EXPECT_EQ(open[0].marks[0].outcome, "out");
    EXPECT_EQ(open[0].marks[1].state, StepState::intended);
    EXPECT_TRUE(catalog_->open_operations(Uuid::random())->empty());
    ASSERT_TRUE(catalog_->end_operation(id, "finished", {100}).has_value());
    EXPECT_TRUE(catalog_->open_operations(std::nullopt)->empty());
    EXPECT_FALSE(catalog_->mark_step(id, 0, StepState::undone, "").has_value());
}

TEST_F(CatalogTest, TheJournalOutlivesItsDomainAndForgetsOldOperations) {
    const auto first = *catalog_->begin_operation(web_, "undefine", "plan", {1});
    ASSERT_TRUE(catalog_->remove_domain(web_).has_value());
    EXPECT_EQ(catalog_->open_operations(web_)->size(), 1u);
    for (int i = 0; i < 300; ++i) {
        const auto id = *catalog_->begin_operation(web_, "x", "plan", {1});
        ASSERT_TRUE(catalog_->end_operation(id, "finished", {2}).has_value());
    }
    const auto open = *catalog_->open_operations(std::nullopt);
    ASSERT_EQ(open.size(), 1u);
    EXPECT_EQ(open[0].id, first);
}

TEST_F(CatalogTest, CachesSmallFacts) {
    EXPECT_EQ(*catalog_->cached("kvm"), std::nullopt);
    ASSERT_TRUE(catalog_->cache("kvm", "no").has_value());
    ASSERT_TRUE(catalog_->cache("kvm", "yes").has_value());
    EXPECT_EQ(*catalog_->cached("kvm"), "yes");
}

}  // namespace
}  // namespace stasis::catalog
