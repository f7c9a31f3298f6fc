// Images of every format version ever released are read for ever: tests/golden/memimage holds one of each version and
// compression, captured from tests/golden/migration/background.stream. To make them anew (after adding a version, never
// to make a test pass), run with STASIS_REGENERATE_GOLDEN=1: the tests then skip.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "codec/migration/testing/stream_builder.h"
#include "memory/testing/capture_fixture.h"

namespace stasis::memory {
namespace {

using namespace testing;
using codec::migration::testing::sample_page;

const std::string kGolden = STASIS_SOURCE_DIR "/tests/golden/";

std::string load(const std::string& name) {
    std::ifstream in(kGolden + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void save(const std::string& name, std::string_view content) {
    std::ofstream(kGolden + name, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

Bytes bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

std::string image_name(MemoryCompression compression) { return "memimage/v1-" + std::string(to_string(compression)) + ".image"; }

bool regenerate() { return std::getenv("STASIS_REGENERATE_GOLDEN") != nullptr; }

class GoldenTest : public CaptureFixture {
protected:
    // The guest of both streams, see small_background_stream().
    static void expect_the_guest(const Bytes& stream) {
        Memory memory;
        codec::migration::StreamParser parser(memory);
        ASSERT_TRUE(parser.push(stream));
        ASSERT_TRUE(parser.finish());
        ASSERT_EQ(memory.pages.size(), 4u);
        const auto is = [&](std::uint32_t block, std::uint64_t page, std::uint32_t seed) {
            return std::ranges::equal(memory.pages[{block, page}], sample_page(seed));
        };
        EXPECT_TRUE(is(0, 1, 11) && is(0, 5, 15) && is(1, 0, 20) && is(1, 1, 21));
    }
};

TEST_F(GoldenTest, Regenerate) {
    if (!regenerate()) return;
    const auto text = [](const Bytes& bytes) { return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()); };
    save("migration/background.stream", text(codec::migration::testing::small_background_stream().bytes));
    save("migration/precopy.stream", text(codec::migration::testing::small_precopy_stream().bytes));
    for (const auto compression : kCompressions) {
        ASSERT_TRUE(capture(bytes_of(load("migration/background.stream")), compression));
        save(image_name(compression), files.content(kPath));
        ASSERT_TRUE(files.remove_file(kPath));
    }
    GTEST_SKIP() << "golden files were made anew: look at them before they are committed";
}

TEST_F(GoldenTest, EveryVersionIsRead) {
    if (regenerate()) GTEST_SKIP();
    for (const auto compression : kCompressions) {
        const std::string image = load(image_name(compression));
        ASSERT_FALSE(image.empty()) << image_name(compression);
        files.put(kPath, image);
        ASSERT_TRUE(verify(files, kPath, nullptr, nullptr)) << image_name(compression);
        expect_the_guest(replayed());
    }
}

TEST_F(GoldenTest, TheWriterStillWritesVersion1) {
    if (regenerate()) GTEST_SKIP();
    ASSERT_TRUE(capture(bytes_of(load("migration/background.stream")), MemoryCompression::none));
    EXPECT_TRUE(files.content(kPath) == load(image_name(MemoryCompression::none)));
}

TEST_F(GoldenTest, StreamsOfBothKindsGiveTheSameGuest) {
    if (regenerate()) GTEST_SKIP();
    for (const auto* name : {"migration/background.stream", "migration/precopy.stream"}) {
        ASSERT_TRUE(capture(bytes_of(load(name)))) << name;
        expect_the_guest(replayed());
        ASSERT_TRUE(files.remove_file(kPath));
    }
}

}  // namespace
}  // namespace stasis::memory
