// What every body of port::InstantCapture must do, and, with Lifecycle, the way back to an instant.
#include "guest_fixture.h"

namespace stasis::conformance {
namespace {

using model::ImageFormat;

class CaptureSuite : public GuestFixture {
protected:
    model::MemoryCapture memory(const std::string& name = "memory.save") const {
        return {.path = storage_.path(name), .method = method_};
    }
    /// The best way that this host offers.
    void ask_ability(const model::GuestRef& guest) {
        const auto ability = ports_.capture.memory_ability(guest);
        ASSERT_TRUE(ability) << ability.error().render();
        EXPECT_TRUE(ability->migratable) << ability->why_not;
        method_ = ability->background ? MemoryMethod::background : MemoryMethod::stopped;
    }
    MemoryMethod method_ = MemoryMethod::background;
};

TEST_F(CaptureSuite, OverlaysOpenAndCloseAnyNumberOfTimes) {
    start(1, {0});
    const auto overlays = make_overlays(1);
    for (int i = 0; i < 2; ++i) {
        const auto opened = ports_.capture.open_overlays(ref(1), overlays);
        ASSERT_TRUE(opened) << opened.error().render();
    }
    for (int i = 0; i < 2; ++i) {
        const auto closed = ports_.capture.close_overlays(ref(1), overlays);
        ASSERT_TRUE(closed) << closed.error().render();
    }
    EXPECT_EQ(ports_.blocks.active_layers(ref(1))->at(targets_[0]), id(0, 0));
    ASSERT_TRUE(ports_.lifecycle.kill(ref(1)));
    EXPECT_TRUE(ports_.capture.close_overlays(ref(1), overlays));
}

TEST_F(CaptureSuite, AnOverlayThatIsNotThereOpensNone) {
    start(1, {0});
    auto overlays = make_overlays(1);
    overlays[1].image.path = storage_.path("missing.qcow2");
    ASSERT_FALSE(ports_.capture.open_overlays(ref(1), overlays));
    const auto captured = ports_.capture.capture({.guest = ref(1), .disks = external(1, 0)});
    EXPECT_FALSE(captured) << "the first overlay must not have stayed open";
    EXPECT_EQ(state(ref(1)), DomainState::running);
}

TEST_F(CaptureSuite, DisksSwitchTogetherAndTheGuestRunsOn) {
    start(1, {0});
    const bool writes = subject_->can_write();
    if (writes) {
        ASSERT_TRUE(subject_->guest_write(ref(1), targets_[0], 1, 11));
    }
    ASSERT_TRUE(ports_.capture.open_overlays(ref(1), make_overlays(1)));
    auto session = ports_.capture.capture({.guest = ref(1), .disks = external(1, 0)});
    ASSERT_TRUE(session) << session.error().render();
    const auto report = (*session)->finish(nullptr, nullptr);
    ASSERT_TRUE(report) << report.error().render();
    EXPECT_EQ(report->method, MemoryMethod::none);
    EXPECT_GE(report->pause_us.value_or(0), 0);  // a hypervisor need not stop the guest for this
    EXPECT_EQ(state(ref(1)), DomainState::running);
    const auto layers = ports_.blocks.active_layers(ref(1));
    ASSERT_TRUE(layers);
    EXPECT_EQ(*layers, (model::ActiveLayers{{targets_[0], id(1, 0)}, {targets_[1], id(1, 1)}}));
    if (writes) {
        ASSERT_TRUE(subject_->guest_write(ref(1), targets_[0], 1, 22));
    }
    ASSERT_TRUE(ports_.lifecycle.kill(ref(1)));
    if (writes) {
        EXPECT_TRUE(storage_.holds(path_of(0, 0), ImageFormat::qcow2, 1, 11));
        EXPECT_TRUE(storage_.holds(path_of(1, 0), ImageFormat::qcow2, 1, 22));
    }
}

TEST_F(CaptureSuite, InternalSnapshotsAreInTheImages) {
    start(1, {0});
    auto disks = external(1, 0);
    for (auto& disk : disks) disk = {.target = disk.target, .mode = DiskMode::internal, .active = disk.active, .internal_name = "now"};
    auto session = ports_.capture.capture({.guest = ref(1), .disks = disks});
    ASSERT_TRUE(session) << session.error().render();
    ASSERT_TRUE((*session)->finish(nullptr, nullptr));
    EXPECT_EQ(state(ref(1)), DomainState::running);
    ASSERT_TRUE(ports_.lifecycle.kill(ref(1)));
    for (const unsigned disk : {0u, 1u})
        EXPECT_EQ(ports_.volume.inspect(path_of(0, disk), ImageFormat::qcow2)->internal_snapshots, std::vector<std::string>{"now"});
}

TEST_F(CaptureSuite, MemoryAndDisksOfARunningGuest) {
    start(1, {0});
    ask_ability(ref(1));
    ASSERT_TRUE(ports_.capture.open_overlays(ref(1), make_overlays(1)));
    auto session = ports_.capture.capture({.guest = ref(1), .disks = external(1, 0), .memory = memory()});
    ASSERT_TRUE(session) << session.error().render();
    EXPECT_EQ(state(ref(1)), DomainState::running);
    const auto report = (*session)->finish(nullptr, nullptr);
    ASSERT_TRUE(report) << report.error().render();
    EXPECT_TRUE(*ports_.files.exists(memory().path));
    EXPECT_EQ(report->method, method_);
    EXPECT_GT(report->memory_file_bytes, 0u);
    EXPECT_TRUE(report->pause_us);
    EXPECT_EQ(state(ref(1)), DomainState::running);
}

TEST_F(CaptureSuite, APausedGuestStaysPaused) {
    start(1, {0}, false);
    ask_ability(ref(1));
    ASSERT_TRUE(ports_.capture.open_overlays(ref(1), make_overlays(1)));
    auto session = ports_.capture.capture({.guest = ref(1), .disks = external(1, 0), .memory = memory(), .resume = false});
    ASSERT_TRUE(session) << session.error().render();
    const auto report = (*session)->finish(nullptr, nullptr);
    ASSERT_TRUE(report) << report.error().render();
    EXPECT_FALSE(report->pause_us);
    EXPECT_EQ(state(ref(1)), DomainState::paused);
}

TEST_F(CaptureSuite, ASessionThatIsDroppedLeavesNoFileAndTheGuestRunning) {
    start(1, {0});
    ask_ability(ref(1));
    {
        auto session = ports_.capture.capture({.guest = ref(1), .memory = memory()});
        ASSERT_TRUE(session) << session.error().render();
        EXPECT_FALSE(*ports_.files.exists(memory().path));
    }
    EXPECT_FALSE(*ports_.files.exists(memory().path));
    EXPECT_EQ(state(ref(1)), DomainState::running);
    ASSERT_TRUE(ports_.capture.abandon(ref(1)));
    auto again = ports_.capture.capture({.guest = ref(1), .memory = memory()});
    ASSERT_TRUE(again) << again.error().render();
    const auto report = (*again)->finish(nullptr, nullptr);
    EXPECT_TRUE(report) << report.error().render();
}

TEST_F(CaptureSuite, ACaptureThatFailsChangesNothing) {
    start(1, {0});
    ask_ability(ref(1));
    ASSERT_TRUE(ports_.capture.open_overlays(ref(1), {make_overlays(1).front()}));  // the second is not open
    ASSERT_FALSE(ports_.capture.capture({.guest = ref(1), .disks = external(1, 0), .memory = memory()}));
    EXPECT_EQ(*ports_.blocks.active_layers(ref(1)), (model::ActiveLayers{{targets_[0], id(0, 0)}, {targets_[1], id(0, 1)}}));
    EXPECT_FALSE(*ports_.files.exists(memory().path));
    EXPECT_EQ(state(ref(1)), DomainState::running);
    EXPECT_TRUE(ports_.capture.abandon(ref(1)));
}

TEST_F(CaptureSuite, CancelledMemoryLeavesNoFile) {
    start(1, {0});
    ask_ability(ref(1));
    auto session = ports_.capture.capture({.guest = ref(1), .memory = memory()});
    ASSERT_TRUE(session) << session.error().render();
    CancelToken cancel;
    cancel.cancel();
    EXPECT_EQ((*session)->finish(nullptr, &cancel).error().kind, ErrorKind::interrupted);
    EXPECT_FALSE(*ports_.files.exists(memory().path));
    EXPECT_EQ(state(ref(1)), DomainState::running);
}

TEST_F(CaptureSuite, BackToTheInstant) {
    start(1, {0});
    ask_ability(ref(1));
    const auto nonce = subject_->nonce(ref(1));
    const bool writes = subject_->can_write();
    if (writes) {
        ASSERT_TRUE(subject_->guest_write(ref(1), targets_[1], 4, 44));
    }
    ASSERT_TRUE(ports_.capture.open_overlays(ref(1), make_overlays(1)));
    {
        auto session = ports_.capture.capture({.guest = ref(1), .disks = external(1, 0), .memory = memory()});
        ASSERT_TRUE(session) << session.error().render();
        const auto report = (*session)->finish(nullptr, nullptr);
        ASSERT_TRUE(report) << report.error().render();
    }
    if (writes) {
        ASSERT_TRUE(subject_->guest_write(ref(1), targets_[1], 4, 55));
    }
    ASSERT_TRUE(ports_.lifecycle.park(ref(1)));
    make_overlays(2);
    auto next = request(2, {2, 0});
    next.await_memory = true;
    next.replaces_running = true;
    started_.push_back(ref(2));
    const auto launched = ports_.lifecycle.launch(next);
    ASSERT_TRUE(launched) << launched.error().render();
    const auto loaded = ports_.lifecycle.load_memory(ref(2), memory().path, nullptr, nullptr);
    ASSERT_TRUE(loaded) << loaded.error().render();
    EXPECT_EQ(state(ref(2)), DomainState::paused);
    ASSERT_TRUE(ports_.lifecycle.resume(ref(2)));
    EXPECT_EQ(state(ref(2)), DomainState::running);
    EXPECT_EQ(subject_->nonce(ref(2)), nonce);
    ASSERT_TRUE(ports_.lifecycle.kill(ref(1)));
    EXPECT_EQ(state(ref(2)), DomainState::running);
    ASSERT_TRUE(ports_.lifecycle.kill(ref(2)));
    if (writes) {
        EXPECT_TRUE(storage_.holds(path_of(2, 1), ImageFormat::qcow2, 4, 44));
        EXPECT_TRUE(storage_.holds(path_of(1, 1), ImageFormat::qcow2, 4, 55));
    }
}

TEST_F(CaptureSuite, ADamagedMemoryImageIsRefused) {
    make_overlays(1);
    auto wanted = request(1, {1, 0});
    wanted.await_memory = true;
    started_.push_back(ref(1));
    const auto launched = ports_.lifecycle.launch(wanted);
    ASSERT_TRUE(launched) << launched.error().render();
    EXPECT_EQ(ports_.lifecycle.load_memory(ref(1), storage_.path("missing.save"), nullptr, nullptr).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(storage_.put_file(storage_.path("damaged.save"), std::string(100'000, 'x')));
    const auto loaded = ports_.lifecycle.load_memory(ref(1), storage_.path("damaged.save"), nullptr, nullptr);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::corrupt) << loaded.error().render();
}

}  // namespace
}  // namespace stasis::conformance
