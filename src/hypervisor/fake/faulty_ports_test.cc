#include "hypervisor/fake/faulty_ports.h"

#include <gtest/gtest.h>

#include "hypervisor/fake/driver.h"

namespace stasis::fake {
namespace {

class FaultyPortsTest : public testing::Test {
protected:
    FakeDriver driver_;
    FaultGate gate_;
    FaultyPorts faulty_{driver_.ports(), gate_};
    port::Ports ports_ = faulty_.ports();
    const model::GuestRef guest_{*Uuid::parse("00112233-4455-6677-8899-aabbccddeeff"), 1};

    DomainState state() { return driver_.ports().lifecycle.status(guest_)->state; }
};

TEST_F(FaultyPortsTest, UnarmedItOnlyCounts) {
    ASSERT_TRUE(ports_.lifecycle.launch({.guest = guest_}));
    ASSERT_TRUE(ports_.lifecycle.resume(guest_));
    EXPECT_EQ(gate_.names(), (std::vector<std::string>{"launch", "resume"}));
    EXPECT_FALSE(gate_.struck());
}

TEST_F(FaultyPortsTest, FailsTheChosenCallOnceWithoutEffect) {
    gate_.arm(2, Fault::fail, {.kind = ErrorKind::no_space, .why = "full"});
    ASSERT_TRUE(ports_.lifecycle.launch({.guest = guest_}));
    const auto resumed = ports_.lifecycle.resume(guest_);
    ASSERT_FALSE(resumed);
    EXPECT_EQ(resumed.error().kind, ErrorKind::no_space);
    EXPECT_EQ(state(), DomainState::paused);
    EXPECT_TRUE(ports_.lifecycle.resume(guest_));
    EXPECT_TRUE(gate_.struck());
}

TEST_F(FaultyPortsTest, DeathBeforeAndAfterDifferInTheEffectOnly) {
    for (const Fault fault : {Fault::die_before, Fault::die_after}) {
        ASSERT_TRUE(driver_.ports().lifecycle.kill(guest_));
        gate_.arm(1, fault);
        int deaths = 0;
        gate_.on_death = [&] { ++deaths; };
        const auto launched = ports_.lifecycle.launch({.guest = guest_});
        ASSERT_FALSE(launched);
        EXPECT_TRUE(FaultGate::is_killed(launched.error()));
        EXPECT_EQ(state(), fault == Fault::die_after ? DomainState::paused : DomainState::shut_off);
        EXPECT_TRUE(gate_.dead());
        EXPECT_EQ(deaths, 1);
        EXPECT_FALSE(ports_.lifecycle.kill(guest_)) << "the dead do nothing";
        EXPECT_EQ(state(), fault == Fault::die_after ? DomainState::paused : DomainState::shut_off);
    }
}

TEST_F(FaultyPortsTest, ADeadToolLeavesItsCaptureGoingOn) {
    ASSERT_TRUE(ports_.lifecycle.launch({.guest = guest_}));
    ASSERT_TRUE(ports_.lifecycle.resume(guest_));
    gate_.arm(2, Fault::die_before);
    {
        auto session = ports_.capture.capture({.guest = guest_, .memory = model::MemoryCapture{.path = "/images/m.save"}});
        ASSERT_TRUE(session);
        EXPECT_FALSE((*session)->finish(nullptr, nullptr));
    }
    EXPECT_TRUE(driver_.world()->guests.at(guest_).streaming);
    EXPECT_TRUE(driver_.world()->files.contains("/images/m.save.part"));
    gate_.arm(0, Fault::fail);
    ASSERT_TRUE(ports_.capture.abandon(guest_));
    EXPECT_FALSE(driver_.world()->files.contains("/images/m.save.part"));
    EXPECT_TRUE(ports_.capture.capture({.guest = guest_, .memory = model::MemoryCapture{.path = "/images/m.save"}}));
}

TEST_F(FaultyPortsTest, DeathAfterACaptureLeavesItGoingOn) {
    ASSERT_TRUE(ports_.lifecycle.launch({.guest = guest_}));
    gate_.arm(1, Fault::die_after);
    EXPECT_FALSE(ports_.capture.capture({.guest = guest_, .memory = model::MemoryCapture{.path = "/images/m.save"}, .resume = false}));
    EXPECT_TRUE(driver_.world()->guests.at(guest_).streaming);
}

}  // namespace
}  // namespace stasis::fake
