// What every body of port::BlockGraph must do.
#include "guest_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

namespace stasis::conformance {
namespace {

using model::ImageFormat;

/// The tool dies as soon as a merge tells how far it is.
class DyingSink final : public ProgressSink {
public:
    void progress(const Progress&) override { ::_exit(0); }
    void note(std::string_view) override {}
};

class BlockGraphSuite : public GuestFixture {
protected:
    /// A guest that has gone through one external capture of both disks.
    void start_on_overlays() {
        start(1, {0});
        ASSERT_TRUE(ports_.capture.open_overlays(ref(1), make_overlays(1)));
        auto session = ports_.capture.capture({.guest = ref(1), .disks = external(1, 0)});
        ASSERT_TRUE(session) << session.error().render();
        ASSERT_TRUE((*session)->finish(nullptr, nullptr));
    }

    /// Another process of the tool begins to merge the first disk and dies over it.
    void die_merging(model::ImageId top, model::ImageId base) {
        const ::pid_t tool = ::fork();
        if (tool == 0) {
            DyingSink dying;
            (void)ports_.blocks.merge_down(ref(1), targets_[0], top, base, &dying, nullptr);
            ::_exit(1);
        }
        int status = -1;
        ASSERT_EQ(::waitpid(tool, &status, 0), tool);
        ASSERT_EQ(status, 0) << "it did not get as far as to tell its progress";
    }
};

TEST_F(BlockGraphSuite, ActiveLayersAreThoseLaunched) {
    make_overlays(1);
    start(1, {1, 0});
    const auto layers = ports_.blocks.active_layers(ref(1));
    ASSERT_TRUE(layers) << layers.error().render();
    EXPECT_EQ(*layers, (model::ActiveLayers{{targets_[0], id(1, 0)}, {targets_[1], id(1, 1)}}));
    EXPECT_FALSE(ports_.blocks.active_layers(ref(7)));
}

TEST_F(BlockGraphSuite, MergeBringsTheBaseBackWhileTheGuestRuns) {
    start_on_overlays();
    const bool writes = subject_->can_write();
    if (writes) {
        ASSERT_TRUE(subject_->guest_write(ref(1), targets_[0], 3, 33));
    }
    const auto merged = ports_.blocks.merge_down(ref(1), targets_[0], id(1, 0), id(0, 0), nullptr, nullptr);
    ASSERT_TRUE(merged) << merged.error().render();
    EXPECT_EQ(*ports_.blocks.active_layers(ref(1)), (model::ActiveLayers{{targets_[0], id(0, 0)}, {targets_[1], id(1, 1)}}));
    EXPECT_EQ(state(ref(1)), DomainState::running);
    EXPECT_TRUE(ports_.blocks.merge_down(ref(1), targets_[0], id(1, 0), id(0, 0), nullptr, nullptr)) << "active already: fine";
    ASSERT_TRUE(ports_.lifecycle.kill(ref(1)));
    if (writes) {
        EXPECT_TRUE(storage_.holds(path_of(0, 0), ImageFormat::qcow2, 3, 33));
    }
}

TEST_F(BlockGraphSuite, MergeOfSeveralLayersInAPausedGuest) {
    make_overlays(1);
    make_overlays(2, 1);
    ASSERT_TRUE(storage_.write(path_of(1, 0), ImageFormat::qcow2, 1, 11));
    ASSERT_TRUE(storage_.write(path_of(2, 0), ImageFormat::qcow2, 2, 22));
    start(1, {2, 1, 0}, false);
    const auto merged = ports_.blocks.merge_down(ref(1), targets_[0], id(2, 0), id(0, 0), nullptr, nullptr);
    ASSERT_TRUE(merged) << merged.error().render();
    EXPECT_EQ(ports_.blocks.active_layers(ref(1))->at(targets_[0]), id(0, 0));
    EXPECT_EQ(state(ref(1)), DomainState::paused);
    ASSERT_TRUE(ports_.lifecycle.kill(ref(1)));
    EXPECT_TRUE(storage_.holds(path_of(0, 0), ImageFormat::qcow2, 1, 11));
    EXPECT_TRUE(storage_.holds(path_of(0, 0), ImageFormat::qcow2, 2, 22));
}

TEST_F(BlockGraphSuite, TheSwitchIsToldWhenTheBaseIsActive) {
    start_on_overlays();
    int told = 0;
    ports_.blocks.on_switch([&]() -> Result<void> {
        ++told;
        return {};
    });
    ASSERT_TRUE(ports_.blocks.merge_down(ref(1), targets_[0], id(1, 0), id(0, 0), nullptr, nullptr));
    EXPECT_EQ(told, 1);
    ports_.blocks.on_switch({});
    ASSERT_TRUE(ports_.blocks.merge_down(ref(1), targets_[1], id(1, 1), id(0, 1), nullptr, nullptr));
    EXPECT_EQ(told, 1);
    EXPECT_EQ(state(ref(1)), DomainState::running);
}

TEST_F(BlockGraphSuite, ASwitchThatCannotBeMadeDurableIsAnErrorAndMayBeRepeated) {
    start_on_overlays();
    ports_.blocks.on_switch([]() -> Result<void> { return fail(ErrorKind::no_space, "write", "the journal", "it is full"); });
    const auto merged = ports_.blocks.merge_down(ref(1), targets_[0], id(1, 0), id(0, 0), nullptr, nullptr);
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().kind, ErrorKind::no_space) << merged.error().render();
    EXPECT_EQ(ports_.blocks.active_layers(ref(1))->at(targets_[0]), id(0, 0));
    ports_.blocks.on_switch({});
    EXPECT_TRUE(ports_.blocks.merge_down(ref(1), targets_[0], id(1, 0), id(0, 0), nullptr, nullptr));
    EXPECT_TRUE(ports_.lifecycle.resume(ref(1)));
    EXPECT_EQ(state(ref(1)), DomainState::running);
}

TEST_F(BlockGraphSuite, AnAbandonedMergeBlocksNothing) {
    start_on_overlays();
    die_merging(id(1, 0), id(0, 0));
    ASSERT_TRUE(ports_.blocks.abandon_merge(ref(1), targets_[0]));
    const auto layers = ports_.blocks.active_layers(ref(1));
    ASSERT_TRUE(layers);
    const unsigned layer = layers->at(targets_[0]) == id(1, 0) ? 1 : 0;  // how far it got is its own affair
    EXPECT_EQ(layers->at(targets_[0]), id(layer, 0));
    const auto made = ports_.volume.create_overlay({path_of(3, 0), kDiskBytes, path_of(layer, 0), ImageFormat::qcow2});
    ASSERT_TRUE(made) << made.error().render();
    ASSERT_TRUE(ports_.capture.open_overlays(ref(1), {{targets_[0], chain_image(3, 0), id(layer, 0)}}));
    const std::vector<model::DiskCapture> disks{
        {.target = targets_[0], .mode = DiskMode::external, .active = id(layer, 0), .overlay = id(3, 0), .internal_name = {}}};
    auto session = ports_.capture.capture({.guest = ref(1), .disks = disks});
    ASSERT_TRUE(session) << session.error().render();
    ASSERT_TRUE((*session)->finish(nullptr, nullptr));
    EXPECT_EQ(ports_.blocks.active_layers(ref(1))->at(targets_[0]), id(3, 0));
    EXPECT_TRUE(ports_.blocks.abandon_merge(ref(1), targets_[0])) << "none: fine";
    EXPECT_TRUE(ports_.blocks.abandon_merge(ref(7), targets_[0])) << "no such guest: fine";
}

TEST_F(BlockGraphSuite, AMergeToAnotherBaseDoesNotTakeOverWhatADeadToolBegan) {
    make_overlays(1);
    make_overlays(2, 1);
    ASSERT_TRUE(storage_.write(path_of(2, 0), ImageFormat::qcow2, 2, 22));
    start(1, {2, 1, 0});
    die_merging(id(2, 0), id(1, 0));
    const auto merged = ports_.blocks.merge_down(ref(1), targets_[0], id(2, 0), id(0, 0), nullptr, nullptr);
    ASSERT_TRUE(merged) << merged.error().render();
    EXPECT_EQ(ports_.blocks.active_layers(ref(1))->at(targets_[0]), id(0, 0));
    EXPECT_EQ(state(ref(1)), DomainState::running);
    ASSERT_TRUE(ports_.lifecycle.kill(ref(1)));
    EXPECT_TRUE(storage_.holds(path_of(0, 0), ImageFormat::qcow2, 2, 22));
}

TEST_F(BlockGraphSuite, AGuestInWhichADeadToolWasMergingCanBeParked) {
    start_on_overlays();
    die_merging(id(1, 0), id(0, 0));
    const auto parked = ports_.lifecycle.park(ref(1));
    ASSERT_TRUE(parked) << parked.error().render();
    EXPECT_TRUE(ports_.volume.create_internal(path_of(1, 0), "s"));
}

TEST_F(BlockGraphSuite, ASwitchThatCannotBeNotedKeepsTheGuestStanding) {
    start_on_overlays();
    ports_.blocks.on_switch([]() -> Result<void> { return fail(ErrorKind::no_space, "note it", {}, "full"); });
    EXPECT_FALSE(ports_.blocks.merge_down(ref(1), targets_[0], id(1, 0), id(0, 0), nullptr, nullptr));
    ports_.blocks.on_switch({});
    EXPECT_EQ(ports_.blocks.active_layers(ref(1))->at(targets_[0]), id(0, 0));
    EXPECT_EQ(state(ref(1)), DomainState::paused);
    EXPECT_TRUE(ports_.lifecycle.resume(ref(1)));
}

TEST_F(BlockGraphSuite, AbandoningAMergeThatIsNotThereIsFine) {
    start_on_overlays();
    EXPECT_TRUE(ports_.blocks.abandon_merge(ref(1), targets_[0]));
    EXPECT_EQ(ports_.blocks.active_layers(ref(1))->at(targets_[0]), id(1, 0));
    EXPECT_TRUE(ports_.blocks.abandon_merge(ref(7), targets_[0])) << "no such guest";
}

TEST_F(BlockGraphSuite, MergeOfWhatIsNotInTheChainFailsAndChangesNothing) {
    start_on_overlays();
    EXPECT_FALSE(ports_.blocks.merge_down(ref(1), targets_[0], id(1, 0), {77}, nullptr, nullptr));
    EXPECT_FALSE(ports_.blocks.merge_down(ref(1), *DiskTarget::parse("vdz"), id(1, 0), id(0, 0), nullptr, nullptr));
    EXPECT_EQ(*ports_.blocks.active_layers(ref(1)), (model::ActiveLayers{{targets_[0], id(1, 0)}, {targets_[1], id(1, 1)}}));
}

TEST_F(BlockGraphSuite, CancelledMergeLeavesTheChain) {
    start_on_overlays();
    CancelToken cancel;
    cancel.cancel();
    const auto merged = ports_.blocks.merge_down(ref(1), targets_[0], id(1, 0), id(0, 0), nullptr, &cancel);
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().kind, ErrorKind::interrupted) << merged.error().render();
    EXPECT_EQ(ports_.blocks.active_layers(ref(1))->at(targets_[0]), id(1, 0));
}

TEST_F(BlockGraphSuite, InternalSnapshotsAreDeletedOnline) {
    start(1, {0});
    const std::vector<model::DiskCapture> disks{
        {.target = targets_[0], .mode = DiskMode::internal, .active = id(0, 0), .internal_name = "now"}};
    auto session = ports_.capture.capture({.guest = ref(1), .disks = disks});
    ASSERT_TRUE(session) << session.error().render();
    ASSERT_TRUE((*session)->finish(nullptr, nullptr));
    for (int i = 0; i < 2; ++i) {
        const auto deleted = ports_.blocks.delete_internal(ref(1), targets_[0], id(0, 0), "now");
        ASSERT_TRUE(deleted) << deleted.error().render();
    }
    ASSERT_TRUE(ports_.lifecycle.kill(ref(1)));
    EXPECT_TRUE(ports_.volume.inspect(path_of(0, 0), ImageFormat::qcow2)->internal_snapshots.empty());
}

TEST_F(BlockGraphSuite, ImagesInUseAreBusyForTheStorage) {
    start(1, {0});
    EXPECT_EQ(ports_.volume.create_internal(path_of(0, 0), "s").error().kind, ErrorKind::busy);
    make_overlays(1);
    EXPECT_EQ(ports_.volume.merge_down({image(1, 0), image(0, 0)}, nullptr, nullptr).error().kind, ErrorKind::busy);
}

}  // namespace
}  // namespace stasis::conformance
