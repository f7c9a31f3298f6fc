// What every body of port::Lifecycle must do.
#include <algorithm>

#include "guest_fixture.h"

namespace stasis::conformance {
namespace {

class LifecycleSuite : public GuestFixture {};

TEST_F(LifecycleSuite, LaunchesStoppedThenRunsPausesAndEnds) {
    EXPECT_EQ(state(ref(1)), DomainState::shut_off);
    started_.push_back(ref(1));
    const auto process = ports_.lifecycle.launch(request(1, {0}));
    ASSERT_TRUE(process) << process.error().render();
    EXPECT_EQ(process->generation, 1u);
    EXPECT_GT(process->pid, 0);
    EXPECT_EQ(state(ref(1)), DomainState::paused);
    const auto status = ports_.lifecycle.status(ref(1));
    EXPECT_EQ(status->pid, process->pid);
    EXPECT_FALSE(status->machine.empty());
    EXPECT_FALSE(status->hypervisor_version.empty());
    EXPECT_FALSE(status->accelerator.empty());
    ASSERT_TRUE(ports_.lifecycle.resume(ref(1)));
    EXPECT_EQ(state(ref(1)), DomainState::running);
    ASSERT_TRUE(ports_.lifecycle.resume(ref(1)));
    ASSERT_TRUE(ports_.lifecycle.pause(ref(1)));
    ASSERT_TRUE(ports_.lifecycle.pause(ref(1)));
    EXPECT_EQ(state(ref(1)), DomainState::paused);
    ASSERT_TRUE(ports_.lifecycle.kill(ref(1)));
    EXPECT_EQ(state(ref(1)), DomainState::shut_off);
    ASSERT_TRUE(ports_.lifecycle.kill(ref(1)));
}

TEST_F(LifecycleSuite, MissingImageIsToldAndNothingStays) {
    auto wanted = request(1, {0});
    wanted.disks[1].chain[0].path = storage_.path("missing.qcow2");
    wanted.definition.disks[1].source = wanted.disks[1].chain[0].path;
    const auto launched = ports_.lifecycle.launch(wanted);
    ASSERT_FALSE(launched);
    EXPECT_FALSE(launched.error().render().empty());
    EXPECT_EQ(state(ref(1)), DomainState::shut_off);
    start(2, {0});  // no lock stayed behind
}

TEST_F(LifecycleSuite, TwoGuestsCannotWriteOneImage) {
    start(1, {0});
    const auto second = ports_.lifecycle.launch(request(2, {0}));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::busy) << second.error().render();
    EXPECT_EQ(state(ref(2)), DomainState::shut_off);
    EXPECT_EQ(state(ref(1)), DomainState::running);
}

TEST_F(LifecycleSuite, AParkedGuestGivesUpItsImagesAndTakesThemBack) {
    start(1, {0});
    ASSERT_TRUE(ports_.lifecycle.park(ref(1)));
    EXPECT_EQ(state(ref(1)), DomainState::paused);
    ASSERT_TRUE(ports_.lifecycle.park(ref(1)));
    EXPECT_TRUE(storage_.write(path_of(0, 0), model::ImageFormat::qcow2, 0, 9)) << "another process may use the image";
    const auto resumed = ports_.lifecycle.resume(ref(1));
    ASSERT_TRUE(resumed) << resumed.error().render();
    EXPECT_EQ(state(ref(1)), DomainState::running);
}

TEST_F(LifecycleSuite, PausingAParkedGuestTakesItsImagesBack) {
    start(1, {0});
    ASSERT_TRUE(ports_.lifecycle.park(ref(1)));
    const auto paused = ports_.lifecycle.pause(ref(1));
    ASSERT_TRUE(paused) << paused.error().render();
    EXPECT_EQ(state(ref(1)), DomainState::paused);
    const auto second = ports_.lifecycle.launch(request(2, {0}));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::busy);
}

TEST_F(LifecycleSuite, AParkedGuestStandsBesideTheNextGeneration) {
    start(1, {0});
    ASSERT_TRUE(ports_.lifecycle.park(ref(1)));
    auto next = request(2, {0});
    next.replaces_running = true;
    started_.push_back(ref(2));
    const auto launched = ports_.lifecycle.launch(next);
    ASSERT_TRUE(launched) << launched.error().render();
    ASSERT_TRUE(ports_.lifecycle.resume(ref(2)));
    EXPECT_FALSE(ports_.lifecycle.resume(ref(1))) << "its images are in use";
    ASSERT_TRUE(ports_.lifecycle.kill(ref(2)));
    const auto resumed = ports_.lifecycle.resume(ref(1));
    ASSERT_TRUE(resumed) << resumed.error().render();
    EXPECT_EQ(state(ref(1)), DomainState::running);
}

TEST_F(LifecycleSuite, CommandsToAGuestThatIsGoneFail) {
    EXPECT_FALSE(ports_.lifecycle.pause(ref(7)));
    EXPECT_FALSE(ports_.lifecycle.resume(ref(7)));
    EXPECT_FALSE(ports_.lifecycle.park(ref(7)));
    EXPECT_FALSE(ports_.lifecycle.request_shutdown(ref(7)));
    EXPECT_TRUE(ports_.lifecycle.kill(ref(7)));
}

TEST_F(LifecycleSuite, ShutdownIsARequest) {
    start(1, {0});
    EXPECT_TRUE(ports_.lifecycle.request_shutdown(ref(1)));
}

TEST_F(LifecycleSuite, MachineTypesResolveToVersionedOnes) {
    const auto plain = ports_.lifecycle.resolve_machine("", "x86_64", "");
    ASSERT_TRUE(plain) << plain.error().render();
    EXPECT_TRUE(std::ranges::any_of(*plain, [](char c) { return c >= '0' && c <= '9'; })) << *plain;
    const auto q35 = ports_.lifecycle.resolve_machine("", "x86_64", "q35");
    ASSERT_TRUE(q35);
    EXPECT_NE(*q35, "q35");
    EXPECT_EQ(*ports_.lifecycle.resolve_machine("", "x86_64", *q35), *q35);
    EXPECT_FALSE(ports_.lifecycle.resolve_machine("/missing/emulator", "x86_64", ""));
}

}  // namespace
}  // namespace stasis::conformance
