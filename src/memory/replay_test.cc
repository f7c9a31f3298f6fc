// An image gives the stream back, whole and verified, whoever reads it and however the reader behaves.
#include "memory/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "codec/migration/testing/stream_builder.h"
#include "memory/testing/capture_fixture.h"

namespace stasis::memory {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using codec::migration::testing::small_background_stream;
using codec::migration::testing::small_precopy_stream;
using codec::migration::testing::StreamBuilder;

class ReplayTest : public CaptureFixture {};

TEST_F(ReplayTest, TheReplayedStreamIsWholeAndTellsEveryPageOnce) {
    for (const auto& original : {small_background_stream().bytes, small_precopy_stream().bytes}) {
        for (const auto compression : kCompressions) {
            ASSERT_TRUE(capture(original, compression));
            const Bytes stream = replayed();
            Memory before, after;
            codec::migration::StreamParser first(before), second(after);
            ASSERT_TRUE(first.push(original) && first.finish());
            ASSERT_TRUE(second.push(stream));
            ASSERT_TRUE(second.finish());
            EXPECT_EQ(after.pages, before.pages);
            EXPECT_EQ(after.seen.size(), 10u);
            for (const auto& [page, times] : after.seen) EXPECT_EQ(times, 1);
            EXPECT_EQ(second.head().configuration, first.head().configuration);
            EXPECT_EQ(second.head().ram_setup, first.head().ram_setup);
            EXPECT_EQ(second.device_state(), first.device_state());
            ASSERT_TRUE(files.remove_file(kPath));
        }
    }
}

TEST_F(ReplayTest, ReplayStopsAtAReaderThatHasGoneAndSurvivesIt) {
    ASSERT_TRUE(capture(small_background_stream().bytes));
    Pipe pipe;
    pipe.read.reset();
    const auto totals = replay(files, kPath, pipe.write.get(), nullptr, nullptr);
    ASSERT_FALSE(totals);
    EXPECT_THAT(totals.error().render(), HasSubstr("reader has closed"));
}

TEST_F(ReplayTest, ReplayIntoAPipeThatNobodyReadsCanBeCancelled) {
    StreamBuilder stream;
    stream.begin().ram_setup({{"pc.ram", 64 * 4096}}).begin_part();
    for (std::uint32_t page = 0; page < 64; ++page) stream.page("pc.ram", page, page);
    ASSERT_TRUE(capture(stream.end_part().device(3, "cpu", "x").end().description().bytes));
    Pipe pipe;  // holds 64 KiB: less than the stream
    CancelToken cancel;
    Result<ReplayTotals> totals;
    std::thread replayer([&] { totals = replay(files, kPath, pipe.write.get(), nullptr, &cancel); });
    ::pollfd watched{pipe.read.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&watched, 1, 60'000), 1);
    cancel.cancel();
    replayer.join();
    EXPECT_EQ(totals.error().kind, ErrorKind::interrupted);
    EXPECT_EQ(::fcntl(pipe.write.get(), F_GETFL) & O_NONBLOCK, 0);  // as it was handed in
}

TEST_F(ReplayTest, NoByteOfADamagedChunkIsWritten) {
    ASSERT_TRUE(capture(small_background_stream().bytes, MemoryCompression::none));
    std::string image = files.content(kPath);
    image[4096 + 5000] = static_cast<char>(image[4096 + 5000] ^ 1);
    files.put(kPath, image);
    EXPECT_EQ(verify(files, kPath, nullptr, nullptr).error().kind, ErrorKind::corrupt);
    Pipe pipe;
    EXPECT_EQ(replay(files, kPath, pipe.write.get(), nullptr, nullptr).error().kind, ErrorKind::corrupt);
    pipe.write.reset();
    std::array<char, 65536> out;
    EXPECT_EQ(::read(pipe.read.get(), out.data(), out.size()), 0);
}

TEST_F(ReplayTest, AnImageThatIsMissingIsNotFound) {
    EXPECT_EQ(summarize(files, kPath).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace stasis::memory
