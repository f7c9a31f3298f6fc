// What the fake promises beyond the conformance suites: one world over several processes, and rules that make a wrong
// engine fail loudly.
#include "hypervisor/fake/driver.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "seam/posix/posix.h"

namespace stasis::fake {
namespace {

using model::ImageFormat;

class FakeDriverTest : public testing::Test {
protected:
    FakeDriver driver_;
    port::Ports ports_ = driver_.ports();
    const model::GuestRef guest_{*Uuid::parse("00112233-4455-6677-8899-aabbccddeeff"), 1};
    const DiskTarget vda_ = *DiskTarget::parse("vda");

    port::LaunchRequest request(const std::vector<std::string>& chain, std::uint32_t generation = 1) {
        port::LaunchRequest request{.guest = {guest_.domain, generation}};
        model::AttachedDisk disk{.target = vda_};
        for (const auto& path : chain) disk.chain.push_back({{static_cast<std::uint32_t>(chain.size() - disk.chain.size())}, path, ImageFormat::qcow2});
        request.disks.push_back(disk);
        return request;
    }
    void start(const std::vector<std::string>& chain, std::uint32_t generation = 1) {
        const auto launched = ports_.lifecycle.launch(request(chain, generation));
        ASSERT_TRUE(launched) << launched.error().render();
        ASSERT_TRUE(ports_.lifecycle.resume({guest_.domain, generation}));
    }
    void overlay(const std::string& path, const std::string& backing) {
        const auto made = ports_.volume.create_overlay({path, kDefaultImageBytes, backing, ImageFormat::qcow2});
        ASSERT_TRUE(made) << made.error().render();
    }
};

TEST_F(FakeDriverTest, AnyPathExistsUnlessTheWorldKnowsBetter) {
    EXPECT_TRUE(ports_.volume.inspect("/images/web.qcow2", ImageFormat::qcow2));
    EXPECT_TRUE(ports_.volume.inspect("/images/data.raw", ImageFormat::raw));
    EXPECT_EQ(ports_.volume.inspect("/images/missing.qcow2", ImageFormat::qcow2).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(ports_.files.make_folder("/snapshots/a"));
    EXPECT_EQ(ports_.volume.inspect("/snapshots/a/vda.qcow2", ImageFormat::qcow2).error().kind, ErrorKind::not_found);
    ASSERT_TRUE(driver_.remove_path("/images/web.qcow2"));
    EXPECT_EQ(ports_.volume.inspect("/images/web.qcow2", ImageFormat::qcow2).error().kind, ErrorKind::not_found);
    EXPECT_TRUE(driver_.world()->images.empty()) << "looking changes nothing";
}

TEST_F(FakeDriverTest, TicksAdvanceMemoryAndDisksTogether) {
    start({"/images/web.qcow2"});
    ASSERT_TRUE(driver_.tick(guest_));
    ASSERT_TRUE(driver_.tick(guest_));
    EXPECT_EQ(driver_.guest_memory(guest_)->counter, 2u);
    EXPECT_EQ(*driver_.guest_read(guest_, vda_, 0), 2u);
    ASSERT_TRUE(ports_.lifecycle.pause(guest_));
    EXPECT_FALSE(driver_.tick(guest_));
    EXPECT_FALSE(driver_.guest_write(guest_, vda_, 1, 1));
}

TEST_F(FakeDriverTest, EveryStartHasItsOwnNonceAndKillingLosesMemory) {
    start({"/images/web.qcow2"});
    const auto first = driver_.guest_memory(guest_)->nonce;
    ASSERT_TRUE(ports_.lifecycle.kill(guest_));
    EXPECT_FALSE(driver_.guest_memory(guest_));
    start({"/images/web.qcow2"});
    EXPECT_NE(driver_.guest_memory(guest_)->nonce, first);
}

TEST_F(FakeDriverTest, AFrozenImageThatIsWrittenSpoilsWhatBuildsOnIt) {
    overlay("/images/top.qcow2", "/images/base.qcow2");
    ASSERT_TRUE(driver_.image_write("/images/top.qcow2", ImageFormat::qcow2, 1, 1));
    start({"/images/base.qcow2"});
    ASSERT_TRUE(driver_.tick(guest_));  // the damage
    ASSERT_TRUE(ports_.lifecycle.kill(guest_));
    EXPECT_EQ(driver_.world()->violations.size(), 1u);
    const auto launched = ports_.lifecycle.launch(request({"/images/top.qcow2", "/images/base.qcow2"}));
    ASSERT_FALSE(launched);
    EXPECT_EQ(launched.error().kind, ErrorKind::corrupt);
}

TEST_F(FakeDriverTest, AnOverlayThatIsOnlyPreparedIsNotSpoilt) {
    start({"/images/base.qcow2"});
    overlay("/images/top.qcow2", "/images/base.qcow2");
    ASSERT_TRUE(driver_.tick(guest_));
    EXPECT_TRUE(driver_.world()->violations.empty());
}

TEST_F(FakeDriverTest, MergingSpoilsTheLayersBetweenButNotTheTop) {
    overlay("/images/mid.qcow2", "/images/base.qcow2");
    overlay("/images/top.qcow2", "/images/mid.qcow2");
    ASSERT_TRUE(driver_.image_write("/images/top.qcow2", ImageFormat::qcow2, 1, 7));
    const auto image = [](std::uint32_t id, const std::string& path) { return model::Image{.id = {id}, .path = path}; };
    ASSERT_TRUE(ports_.volume.merge_down({image(3, "/images/top.qcow2"), image(2, "/images/mid.qcow2"), image(1, "/images/base.qcow2")},
                                         nullptr, nullptr));
    EXPECT_FALSE(ports_.lifecycle.launch(request({"/images/mid.qcow2", "/images/base.qcow2"})));
    start({"/images/top.qcow2", "/images/mid.qcow2", "/images/base.qcow2"});
}

TEST_F(FakeDriverTest, FullFileSystem) {
    ASSERT_TRUE(driver_.edit([](World& world) { world.free_bytes = 0; }));
    EXPECT_EQ(ports_.volume.create_overlay({"/images/top.qcow2", 1 << 20, "/images/base.qcow2", ImageFormat::qcow2}).error().kind,
              ErrorKind::no_space);
    EXPECT_EQ(*ports_.files.free_bytes("/images"), 0u);
}

TEST_F(FakeDriverTest, MemoryOfAnotherMachineTypeIsRefused) {
    start({"/images/web.qcow2"});
    auto session = ports_.capture.capture({.guest = guest_, .memory = model::MemoryCapture{.path = "/images/m.save"}});
    ASSERT_TRUE(session) << session.error().render();
    ASSERT_TRUE((*session)->finish(nullptr, nullptr));
    ASSERT_TRUE(ports_.lifecycle.kill(guest_));
    auto wanted = request({"/images/web.qcow2"});
    wanted.await_memory = true;
    wanted.definition.os.machine = "another";
    ASSERT_TRUE(ports_.lifecycle.launch(wanted));
    EXPECT_FALSE(ports_.lifecycle.resume(guest_)) << "it has no memory yet";
    EXPECT_EQ(ports_.lifecycle.load_memory(guest_, "/images/m.save", nullptr, nullptr).error().kind, ErrorKind::unsupported);
}

TEST_F(FakeDriverTest, AShutdownThatAPausedGuestWasAskedForHappensWhenItRuns) {
    start({"/images/web.qcow2"});
    ASSERT_TRUE(ports_.lifecycle.pause(guest_));
    ASSERT_TRUE(ports_.lifecycle.request_shutdown(guest_));
    EXPECT_EQ(ports_.lifecycle.status(guest_)->state, DomainState::paused);
    ASSERT_TRUE(ports_.lifecycle.resume(guest_));
    EXPECT_EQ(ports_.lifecycle.status(guest_)->state, DomainState::shut_off);
}

/// A tool dies while it tells of progress.
struct DyingSink final : ProgressSink {
    struct Killed {};
    void progress(const Progress&) override { throw Killed{}; }
    void note(std::string_view) override {}
};

TEST_F(FakeDriverTest, AMergeThatADeadToolLeftGoesOnUntilItIsAbandoned) {
    overlay("/images/top.qcow2", "/images/base.qcow2");
    start({"/images/top.qcow2", "/images/base.qcow2"});
    DyingSink sink;
    EXPECT_THROW((void)ports_.blocks.merge_down(guest_, vda_, {2}, {1}, &sink, nullptr), DyingSink::Killed);
    EXPECT_EQ(ports_.blocks.active_layers(guest_)->at(vda_), model::ImageId{2});
    EXPECT_EQ(ports_.lifecycle.park(guest_).error().kind, ErrorKind::busy);
    EXPECT_EQ(ports_.capture.capture({.guest = guest_}).error().kind, ErrorKind::busy);
    EXPECT_EQ(ports_.blocks.merge_down(guest_, vda_, {2}, {1}, nullptr, nullptr).error().kind, ErrorKind::busy);
    EXPECT_TRUE(*world_from_text(world_to_text(*driver_.world()), "test") == *driver_.world()) << "it is kept in the file";
    ASSERT_TRUE(ports_.blocks.abandon_merge(guest_, vda_));
    ASSERT_TRUE(ports_.blocks.merge_down(guest_, vda_, {2}, {1}, nullptr, nullptr));
    EXPECT_TRUE(driver_.world()->guests.at(guest_).merging.empty());
}

TEST_F(FakeDriverTest, TheGuestStandsStillOverASwitch) {
    overlay("/images/top.qcow2", "/images/base.qcow2");
    start({"/images/top.qcow2", "/images/base.qcow2"});
    ports_.blocks.on_switch([&]() -> Result<void> {
        EXPECT_EQ(ports_.blocks.active_layers(guest_)->at(vda_), model::ImageId{1});
        EXPECT_FALSE(driver_.tick(guest_));
        return {};
    });
    ASSERT_TRUE(ports_.blocks.merge_down(guest_, vda_, {2}, {1}, nullptr, nullptr));
    EXPECT_TRUE(driver_.tick(guest_));
}

TEST_F(FakeDriverTest, TheWorldSurvivesAsText) {
    overlay("/images/top.qcow2", "/images/base.qcow2");
    start({"/images/base.qcow2"});
    ASSERT_TRUE(ports_.capture.open_overlays(guest_, {{vda_, {{2}, "/images/top.qcow2", ImageFormat::qcow2}, {1}}}));
    ASSERT_TRUE(driver_.guest_write_memory(guest_, 5, ~0ull));
    ASSERT_TRUE(ports_.files.make_folder("/f"));
    ASSERT_TRUE(driver_.put_file("/f/x", "content"));
    ASSERT_TRUE(driver_.tick(guest_));
    const auto session = ports_.capture.capture({.guest = guest_, .memory = model::MemoryCapture{.path = "/f/m.save"}});
    ASSERT_TRUE(session);
    const World world = *driver_.world();
    const auto back = world_from_text(world_to_text(world), "test");
    ASSERT_TRUE(back) << back.error().render();
    EXPECT_TRUE(*back == world);
}

TEST(WorldText, DamageIsAnErrorAtEveryByte) {
    World world;
    world.images["/a"] = {};
    const std::string text = world_to_text(world);
    for (std::size_t length = 0; length < text.size(); ++length)
        EXPECT_EQ(world_from_text(text.substr(0, length), "test").error().kind, ErrorKind::corrupt);
    EXPECT_EQ(world_from_text("[]", "test").error().kind, ErrorKind::corrupt);
    EXPECT_EQ(memory_from_text("{}", "test").error().kind, ErrorKind::corrupt);
}

TEST(FakeDriverFile, TwoProcessesShareOneWorld) {
    std::string folder = (std::filesystem::temp_directory_path() / "stasis-fake-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    const auto files = seam::make_posix_file_system();
    {
        const auto one = FakeDriver::open(*files, folder + "/world.json");
        const auto two = FakeDriver::open(*files, folder + "/world.json");
        ASSERT_TRUE(one && two);
        const model::GuestRef guest{Uuid::random(), 1};
        ASSERT_TRUE((*one)->ports().lifecycle.launch({.guest = guest}));
        EXPECT_EQ((*two)->ports().lifecycle.status(guest)->state, DomainState::paused);
        ASSERT_TRUE((*two)->ports().lifecycle.resume(guest));
        ASSERT_TRUE((*two)->tick(guest));
        EXPECT_EQ((*one)->guest_memory(guest)->counter, 1u);
        ASSERT_TRUE((*one)->tick(guest));
        EXPECT_EQ((*two)->guest_memory(guest)->counter, 2u);
    }
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace stasis::fake
