// A stream goes in at a pipe and an image comes out: with threads, files and faults.
#include "memory/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <random>

#include "codec/migration/testing/stream_builder.h"
#include "memory/testing/capture_fixture.h"
#include "seam/testing/faulty_file_system.h"

namespace stasis::memory {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::HasSubstr;
using codec::migration::testing::small_background_stream;
using codec::migration::testing::small_precopy_stream;
using codec::migration::testing::StreamBuilder;

class CaptureTest : public CaptureFixture {};

TEST_F(CaptureTest, CountsWhatCame) {
    const auto totals = capture(small_precopy_stream().bytes);
    ASSERT_TRUE(totals) << totals.error().render();
    EXPECT_EQ(totals->guest_bytes, 10u * 4096);
    EXPECT_EQ(totals->stored_pages, 4u);
    EXPECT_EQ(totals->zero_pages, 6u);
    EXPECT_EQ(totals->file_bytes, files.content(kPath).size());
    EXPECT_EQ(files.tree(), (std::vector<std::string>{"/snapshots/", kPath}));
    const auto summary = summarize(files, kPath);
    ASSERT_TRUE(summary) << summary.error().render();
    EXPECT_EQ(summary->machine, "pc-q35-7.2");
    EXPECT_EQ(summary->guest_bytes, 10u * 4096);
    EXPECT_TRUE(verify(files, kPath, nullptr, nullptr));
}

// More than all buffers of a capture hold, pages again and again, so that every wait in the pipeline happens.
TEST_F(CaptureTest, ManyPagesComeThroughInEveryCompression) {
    std::mt19937 random(5);
    StreamBuilder stream;
    stream.begin().configuration("m").ram_setup({{"pc.ram", 3000 * 4096}});
    for (int part = 0; part < 4; ++part) {
        stream.begin_part();
        for (int i = 0; i < 1500; ++i) {
            if (random() % 4 == 0) stream.zero("pc.ram", random() % 3000);
            else stream.page("pc.ram", random() % 3000, static_cast<std::uint32_t>(random()));
        }
        stream.end_part();
    }
    stream.device(3, "cpu", "x").end().description();
    Memory expected;
    codec::migration::StreamParser parser(expected);
    ASSERT_TRUE(parser.push(stream.bytes));
    for (const auto compression : kCompressions) {
        const auto totals = capture(stream.bytes, compression);
        ASSERT_TRUE(totals) << totals.error().render();
        EXPECT_EQ(totals->stored_pages, expected.pages.size());
        Memory after;
        codec::migration::StreamParser second(after);
        ASSERT_TRUE(second.push(replayed()));
        EXPECT_EQ(after.pages, expected.pages);
        ASSERT_TRUE(files.remove_file(kPath));
    }
}

TEST_F(CaptureTest, PagesOfZerosThatAreSentAsPagesTakeNoRoom) {
    StreamBuilder stream;
    stream.begin().ram_setup({{"pc.ram", 4096}}).begin_part().record("pc.ram", 0, 8);
    stream.bytes.resize(stream.bytes.size() + 4096);
    stream.end_part().device(3, "cpu", "x").end().description();
    const auto totals = capture(stream.bytes);
    ASSERT_TRUE(totals) << totals.error().render();
    EXPECT_EQ(totals->stored_pages, 0u);
    EXPECT_EQ(totals->zero_pages, 1u);
}

TEST_F(CaptureTest, ACutStreamLeavesNoFile) {
    const Bytes whole = small_background_stream().bytes;
    for (std::size_t length = 0; length < whole.size(); length += 97) {
        const auto totals = capture(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
        ASSERT_FALSE(totals) << length;
        EXPECT_EQ(totals.error().kind, ErrorKind::corrupt) << length;
        ASSERT_TRUE(nothing_left()) << length;
    }
}

TEST_F(CaptureTest, ANameThatIsTakenIsRefused) {
    for (const auto* taken : {kPath, kPart}) {
        files.put(taken, "mine");
        const auto totals = capture(small_background_stream().bytes);
        ASSERT_FALSE(totals);
        EXPECT_EQ(totals.error().kind, ErrorKind::exists);
        EXPECT_EQ(files.content(taken), "mine");
        ASSERT_TRUE(files.remove_file(taken));
    }
}

TEST_F(CaptureTest, ArmedAndEndedAreTold) {
    const Bytes whole = small_background_stream().bytes;
    StreamBuilder head;
    head.begin().configuration("pc-q35-7.2").capabilities({"background-snapshot"}).ram_setup({{"pc.ram", 8 * 4096}, {"pc.rom", 2 * 4096}});
    const std::size_t armed_at = head.bytes.size();
    Pipe pipe;
    auto session = StreamCapture::start(files, std::move(pipe.read), {.path = kPath}).value();
    const auto send = [&](std::span<const std::byte> bytes) {
        ASSERT_EQ(::write(pipe.write.get(), bytes.data(), bytes.size()), static_cast<::ssize_t>(bytes.size()));
    };
    send(std::span(whole).first(armed_at));
    EXPECT_FALSE(session->wait_armed(20ms));
    send(std::span(whole).subspan(armed_at, 1));
    EXPECT_TRUE(session->wait_armed(10s));
    EXPECT_FALSE(session->ended());
    send(std::span(whole).subspan(armed_at + 1));
    pipe.write.reset();
    while (!session->ended()) std::this_thread::yield();
    EXPECT_EQ(session->received_bytes(), whole.size());
    EXPECT_TRUE(session->finish(nullptr, nullptr));
}

TEST_F(CaptureTest, WaitForArmedEndsWhenTheStreamBreaks) {
    Pipe pipe;
    auto session = StreamCapture::start(files, std::move(pipe.read), {.path = kPath}).value();
    ASSERT_EQ(::write(pipe.write.get(), "nonsense", 8), 8);
    EXPECT_FALSE(session->wait_armed(60s));
    EXPECT_FALSE(session->ended());
    EXPECT_EQ(session->finish(nullptr, nullptr).error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(nothing_left());
}

bool reader_is_gone(const UniqueFd& write_end) {
    ::pollfd watched{write_end.get(), 0, 0};
    return ::poll(&watched, 1, 60'000) == 1 && (watched.revents & POLLERR) != 0;
}

TEST_F(CaptureTest, DroppedItClosesTheStreamAndRemovesTheFile) {
    Pipe pipe;
    auto session = StreamCapture::start(files, std::move(pipe.read), {.path = kPath}).value();
    EXPECT_TRUE(files.exists(kPart).value());
    session.reset();
    EXPECT_TRUE(reader_is_gone(pipe.write));
    EXPECT_TRUE(nothing_left());
}

TEST_F(CaptureTest, CancelledItClosesTheStreamAndRemovesTheFile) {
    Pipe pipe;
    auto session = StreamCapture::start(files, std::move(pipe.read), {.path = kPath}).value();
    CancelToken cancel;
    cancel.cancel();
    EXPECT_EQ(session->finish(nullptr, &cancel).error().kind, ErrorKind::interrupted);
    EXPECT_TRUE(reader_is_gone(pipe.write));
    EXPECT_TRUE(nothing_left());
    EXPECT_FALSE(session->finish(nullptr, nullptr));
}

TEST_F(CaptureTest, AFullFileSystemClosesTheStreamAndIsToldWithItsPath) {
    seam::FaultyFileSystem faulty(files);
    faulty.limit_space(100'000);
    Pipe pipe;
    auto session = StreamCapture::start(faulty, std::move(pipe.read), {.path = kPath, .compression = MemoryCompression::none}).value();
    StreamBuilder stream;
    stream.begin().ram_setup({{"pc.ram", 64 * 4096}}).begin_part();
    for (std::uint32_t page = 0; page < 64; ++page) stream.page("pc.ram", page, page);
    const UniqueFd watched(::dup(pipe.write.get()));
    const Feeder feeder(std::move(pipe.write), stream.bytes);
    EXPECT_TRUE(reader_is_gone(watched));  // the stream has no end yet
    const auto totals = session->finish(nullptr, nullptr);
    ASSERT_FALSE(totals);
    EXPECT_EQ(totals.error().kind, ErrorKind::no_space);
    EXPECT_THAT(totals.error().render(), HasSubstr(kPart));
    EXPECT_TRUE(nothing_left());
}

// Any single file operation may fail: an error comes back and no file is left, not even under its final name.
TEST_F(CaptureTest, AnyFailingFileOperationIsAnErrorAndLeavesNothing) {
    const Bytes stream = small_background_stream().bytes;
    std::uint64_t operations = 0;
    {
        seam::FaultyFileSystem counting(files);
        ASSERT_TRUE(capture(counting, stream));
        operations = counting.operations().size();
        ASSERT_TRUE(files.remove_file(kPath));
    }
    ASSERT_GT(operations, 6u);
    for (std::uint64_t number = 1; number <= operations; ++number) {
        seam::FaultyFileSystem faulty(files);
        faulty.fail_at(number, ErrorKind::failed);
        EXPECT_FALSE(capture(faulty, stream)) << number;
        EXPECT_TRUE(nothing_left()) << number << ": " << faulty.operations()[number - 1];
    }
}

TEST_F(CaptureTest, AfterPowerLossTheFileIsWholeOrNotThere) {
    const Bytes stream = small_background_stream().bytes;
    for (std::uint64_t number = 1;; ++number) {
        seam::MemoryFileSystem disk;
        disk.put("/snapshots/other", "x");
        seam::FaultyFileSystem faulty(disk);
        faulty.cut_power_at(number);
        const bool done = capture(faulty, stream).has_value();
        disk.lose_power();
        const bool there = disk.exists(kPath).value();
        EXPECT_TRUE(!there || verify(disk, kPath, nullptr, nullptr)) << number;
        if (done) {
            EXPECT_TRUE(there);
            break;
        }
        ASSERT_LT(number, 100u);
    }
}

struct CountingSink final : ProgressSink {
    std::vector<Progress> states;
    void progress(const Progress& state) override { states.push_back(state); }
    void note(std::string_view) override {}
};

TEST_F(CaptureTest, ProgressEndsAtItsTotal) {
    Pipe pipe;
    const Feeder feeder(std::move(pipe.write), small_background_stream().bytes);
    auto session = StreamCapture::start(files, std::move(pipe.read), {.path = kPath, .expected_bytes = 10}).value();
    CountingSink sink;
    ASSERT_TRUE(session->finish(&sink, nullptr));
    ASSERT_FALSE(sink.states.empty());
    EXPECT_EQ(sink.states.back().done_bytes, 10u);
    EXPECT_EQ(sink.states.back().total_bytes, 10u);
    sink.states.clear();
    ASSERT_TRUE(verify(files, kPath, &sink, nullptr));
    ASSERT_FALSE(sink.states.empty());
    EXPECT_EQ(sink.states.back().done_bytes, sink.states.back().total_bytes);
}

}  // namespace
}  // namespace stasis::memory
