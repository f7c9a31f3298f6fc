#include "codec/migration/stream_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "codec/migration/head.h"
#include "codec/migration/testing/stream_builder.h"

namespace stasis::codec::migration {
namespace {

using ::testing::HasSubstr;
using testing::sample_page;
using testing::small_background_stream;
using testing::small_precopy_stream;
using testing::StreamBuilder;

using Key = std::pair<std::uint32_t, std::uint64_t>;
using Content = std::vector<std::byte>;

/// Memory as it is after the last record.
struct Collector final : StreamSink {
    std::map<Key, Content> stored;
    std::map<Key, int> seen;
    int heads = 0;
    int armed_after = -1;  // pages seen before armed()

    Result<void> head(const StreamHead&) override {
        ++heads;
        return {};
    }
    void armed() override { armed_after = static_cast<int>(seen.size()); }
    Result<void> page(std::uint32_t block, std::uint64_t page, PageBytes bytes) override {
        ++seen[{block, page}];
        stored[{block, page}] = Content(bytes.begin(), bytes.end());
        return {};
    }
    Result<void> zero_page(std::uint32_t block, std::uint64_t page) override {
        ++seen[{block, page}];
        stored.erase({block, page});
        return {};
    }
};

Content sample(std::uint32_t seed) {
    const auto page = sample_page(seed);
    return {page.begin(), page.end()};
}

Result<void> parse(std::span<const std::byte> bytes, bool description_optional = false) {
    Collector sink;
    StreamParser parser(sink, description_optional);
    STASIS_CHECK(parser.push(bytes));
    return parser.finish();
}

const std::map<Key, Content>& expected_memory() {
    static const std::map<Key, Content> memory = {{{0, 1}, sample(11)}, {{0, 5}, sample(15)}, {{1, 0}, sample(20)}, {{1, 1}, sample(21)}};
    return memory;
}

TEST(StreamParser, ReadsABackgroundSnapshot) {
    const auto stream = small_background_stream();
    Collector sink;
    StreamParser parser(sink);
    ASSERT_TRUE(parser.push(stream.bytes));
    ASSERT_TRUE(parser.finish());
    EXPECT_EQ(sink.heads, 1);
    EXPECT_EQ(sink.armed_after, 0);
    EXPECT_EQ(sink.seen.size(), 10u);
    EXPECT_EQ(sink.stored, expected_memory());
    EXPECT_EQ(parser.head().machine, "pc-q35-7.2");
    EXPECT_EQ(parser.head().blocks, (std::vector<RamBlock>{{"pc.ram", 8 * 4096}, {"pc.rom", 2 * 4096}}));
    EXPECT_EQ(parser.head().ram_section, 2u);
    EXPECT_TRUE(parser.head().footers);
}

TEST(StreamParser, KeepsHeadAndDeviceStateVerbatim) {
    StreamBuilder head;
    head.begin().configuration("pc-q35-7.2").capabilities({"background-snapshot"});
    const Content configuration = head.bytes;
    head.bytes.clear();
    const Content setup = head.ram_setup({{"pc.ram", 8 * 4096}, {"pc.rom", 2 * 4096}}).bytes;
    const auto stream = small_background_stream();
    Collector sink;
    StreamParser parser(sink);
    ASSERT_TRUE(parser.push(stream.bytes));
    EXPECT_EQ(parser.head().configuration, configuration);
    EXPECT_EQ(parser.head().ram_setup, setup);
    const auto device = std::string_view("\4\0\0\0\3\5timer", 11);
    const auto begin = std::ranges::search(stream.bytes, std::as_bytes(std::span(device))).begin();
    EXPECT_EQ(parser.device_state(), Content(begin, stream.bytes.end()));
}

TEST(StreamParser, TheLastCopyOfAPageCounts) {
    const auto stream = small_precopy_stream();
    Collector sink;
    StreamParser parser(sink);
    ASSERT_TRUE(parser.push(stream.bytes));
    ASSERT_TRUE(parser.finish());
    EXPECT_EQ(sink.stored, expected_memory());
    EXPECT_EQ((sink.seen[{0, 5}]), 3);
}

TEST(StreamParser, AnySplitGivesTheSame) {
    const auto bytes = small_background_stream().bytes;
    for (std::size_t split = 0; split <= bytes.size(); ++split) {
        Collector sink;
        StreamParser parser(sink);
        const std::span all(bytes);
        ASSERT_TRUE(parser.push(all.first(split)) && parser.push(all.subspan(split)) && parser.finish()) << split;
        ASSERT_EQ(sink.stored, expected_memory()) << split;
    }
}

TEST(StreamParser, ByteByByteGivesTheSame) {
    for (const auto& stream : {small_background_stream(), small_precopy_stream()}) {
        Collector sink;
        StreamParser parser(sink);
        for (const std::byte& byte : stream.bytes) ASSERT_TRUE(parser.push(std::span(&byte, 1)));
        ASSERT_TRUE(parser.finish());
        EXPECT_EQ(sink.stored, expected_memory());
    }
}

TEST(StreamParser, ACutAnywhereIsCorrupt) {
    for (const auto& stream : {small_background_stream(), small_precopy_stream()}) {
        Collector sink;
        StreamParser parser(sink);
        for (std::size_t length = 0; length < stream.bytes.size(); ++length) {
            const auto finished = parser.finish();
            ASSERT_FALSE(finished) << length;
            ASSERT_EQ(finished.error().kind, ErrorKind::corrupt) << length;
            ASSERT_TRUE(parser.push(std::span(stream.bytes).subspan(length, 1)));
        }
        EXPECT_TRUE(parser.finish());
    }
}

TEST(StreamParser, BytesBehindTheEndAreCorrupt) {
    auto stream = small_background_stream();
    EXPECT_FALSE(parse(stream.u8(0).bytes));
}

TEST(StreamParser, WithoutDescriptionOnlyWhenTold) {
    StreamBuilder stream;
    stream.begin().configuration("m").ram_setup({{"pc.ram", 4096}}).begin_part().zero("pc.ram", 0).end_part();
    stream.device(3, "cpu", "x").end();
    EXPECT_FALSE(parse(stream.bytes));
    EXPECT_TRUE(parse(stream.bytes, true));
    stream.bytes.pop_back();
    EXPECT_FALSE(parse(stream.bytes, true));
}

TEST(StreamParser, OldMachineTypesHaveNoFootersAndNoConfiguration) {
    StreamBuilder stream;
    stream.footers = false;
    stream.begin().ram_setup({{"pc.ram", 2 * 4096}}).begin_part().page("pc.ram", 0, 7).end_part();
    stream.device(3, "cpu", "x").end().description();
    EXPECT_TRUE(parse(stream.bytes));
}

TEST(StreamParser, AFillByteOtherThanZeroIsAPage) {
    StreamBuilder stream;
    stream.begin().ram_setup({{"pc.ram", 4096}}).begin_part().zero("pc.ram", 0, 0xab).end_part();
    Collector sink;
    StreamParser parser(sink);
    ASSERT_TRUE(parser.push(stream.bytes));
    EXPECT_EQ((sink.stored[{0, 0}]), Content(4096, std::byte{0xab}));
}

TEST(StreamParser, ArmedOnlyWhenSomethingFollowsTheSetup) {
    StreamBuilder stream;
    stream.begin().configuration("m").ram_setup({{"pc.ram", 4096}});
    Collector sink;
    StreamParser parser(sink);
    ASSERT_TRUE(parser.push(stream.bytes));
    EXPECT_EQ(sink.heads, 1);
    EXPECT_EQ(sink.armed_after, -1);
    const std::byte part{2};
    ASSERT_TRUE(parser.push(std::span(&part, 1)));
    EXPECT_EQ(sink.armed_after, 0);
}

StreamBuilder in_part() {
    StreamBuilder stream;
    stream.begin().configuration("m").ram_setup({{"pc.ram", 4 * 4096}, {"rom", 4096}}).begin_part();
    return stream;
}

struct BadCase {
    std::string what;
    StreamBuilder stream;
    ErrorKind kind;
    std::string says;
};

void expect_refused(std::vector<BadCase> cases) {
    for (auto& [what, stream, kind, says] : cases) {
        const auto result = parse(stream.bytes);
        ASSERT_FALSE(result) << what;
        EXPECT_EQ(result.error().kind, kind) << what;
        EXPECT_THAT(result.error().render(), HasSubstr(says)) << what;
    }
}

TEST(StreamParser, NamesFlagsThatItDoesNotRead) {
    expect_refused({
        {"xbzrle", in_part().record("pc.ram", 0, 0x40), ErrorKind::unsupported, "XBZRLE"},
        {"compress", in_part().record("pc.ram", 0, 0x100), ErrorKind::unsupported, "COMPRESS"},
        {"hook", in_part().be64(0x80), ErrorKind::unsupported, "HOOK"},
        {"multifd", in_part().be64(0x200), ErrorKind::unsupported, "MULTIFD"},
        {"multifd with page", in_part().record("pc.ram", 0, 0x208), ErrorKind::unsupported, "MULTIFD"},
        {"new flag", in_part().record("pc.ram", 0, 0x400), ErrorKind::unsupported, "0x400"},
    });
}

TEST(StreamParser, RefusesBadRecords) {
    expect_refused({
        {"outside", in_part().page("pc.ram", 4, 1), ErrorKind::corrupt, "outside block 'pc.ram'"},
        {"far outside", in_part().zero("pc.ram", (1ull << 52) - 1), ErrorKind::corrupt, "outside"},
        {"other block", in_part().page("pc.ram", 0, 1).page("rom", 1, 1), ErrorKind::corrupt, "outside block 'rom'"},
        {"unknown block", in_part().page("vga", 0, 1), ErrorKind::corrupt, "not in the block list"},
        {"continue first", in_part().page("", 0, 1), ErrorKind::corrupt, "names no block"},
        {"zero and page", in_part().record("pc.ram", 0, 0xa), ErrorKind::corrupt, "neither"},
        {"no kind", in_part().record("pc.ram", 0, 0), ErrorKind::corrupt, "neither"},
        {"end with offset", in_part().be64(0x1010), ErrorKind::corrupt, "carries an offset"},
        {"wrong footer", in_part().be64(0x10).u8(0x7e).be32(9), ErrorKind::corrupt, "names another section"},
        {"no footer", in_part().be64(0x10).u8(4), ErrorKind::corrupt, "no footer"},
        {"other section", in_part().end_part().u8(2).be32(9), ErrorKind::corrupt, "not begun"},
        {"after end", in_part().end_part().begin_part(3).end_part().begin_part(), ErrorKind::corrupt, "goes on"},
        {"no device state", in_part().end_part().u8(0), ErrorKind::corrupt, "without device state"},
        {"command", in_part().end_part().u8(8), ErrorKind::unsupported, "commands"},
        {"no type", in_part().end_part().u8(0x55), ErrorKind::corrupt, "0x55"},
    });
}

StreamBuilder head() { return StreamBuilder().begin().configuration("m"); }

StreamBuilder many_blocks(unsigned count) {
    auto stream = head().ram_start().be64(std::uint64_t{count} * 4096 | 4);
    for (unsigned i = 0; i < count; ++i) stream.name("b" + std::to_string(i)).be64(4096);
    return stream;
}

TEST(StreamParser, RefusesBadHeads) {
    expect_refused({
        {"magic", StreamBuilder().be64(1), ErrorKind::corrupt, "magic"},
        {"version", StreamBuilder().be32(0x5145564d).be32(2), ErrorKind::unsupported, "version 2"},
        {"long machine", StreamBuilder().begin().u8(7).be32(0xffffffff), ErrorKind::corrupt, "length"},
        {"binary machine", StreamBuilder().begin().configuration("a\nb"), ErrorKind::corrupt, "plain"},
        {"two configurations", head().configuration("n"), ErrorKind::corrupt, "two"},
        {"unknown subsection", head().u8(5).name("configuration/new").be32(1), ErrorKind::unsupported, "configuration/new"},
        {"many capabilities", head().u8(5).name("configuration/capabilities").be32(1).be32(1u << 31), ErrorKind::corrupt, "too many"},
        {"page bits", head().u8(5).name("configuration/target-page-bits").be32(1).be32(14), ErrorKind::unsupported, "4096"},
        {"device first", head().u8(4), ErrorKind::unsupported, "ahead of memory"},
        {"dirty bitmaps", head().ram_start("dirty-bitmap"), ErrorKind::unsupported, "'dirty-bitmap'"},
        {"no size", head().ram_start().be64(4096), ErrorKind::corrupt, "size"},
        {"no memory", head().ram_start().be64(4), ErrorKind::corrupt, "no memory"},
        {"exabyte", head().ram_start().be64((1ull << 60) | 4), ErrorKind::corrupt, "claims"},
        {"larger than total", head().ram_start().be64(4096 | 4).name("a").be64(8192), ErrorKind::corrupt, "larger"},
        {"overflow", head().ram_start().be64(8192 | 4).name("a").be64(4096).name("b").be64(~0xfffull), ErrorKind::corrupt, "larger"},
        {"half a page", head().ram_start().be64(4096 | 4).name("a").be64(2048), ErrorKind::corrupt, "whole number"},
        {"twice", head().ram_start().be64(8192 | 4).name("a").be64(4096).name("a").be64(4096), ErrorKind::corrupt, "twice"},
        {"nameless", head().ram_start().be64(4096 | 4).name("").be64(4096), ErrorKind::corrupt, "name"},
        {"page sizes in the list", head().ram_start().be64(4096 | 4).name("a").be64(4096).be64(2 << 20), ErrorKind::unsupported, "huge pages"},
        {"1025 blocks", many_blocks(1025), ErrorKind::corrupt, "1024 blocks"},
        {"second list", head().ram_setup({{"a", 4096}}).u8(1), ErrorKind::unsupported, "second section"},
    });
}

TEST(StreamParser, DeviceStateHasALimit) {
    auto stream = in_part().end_part();
    Collector sink;
    StreamParser parser(sink);
    ASSERT_TRUE(parser.push(stream.bytes));
    const Content mebibyte(1u << 20, std::byte{4});
    for (int i = 0; i < 64; ++i) ASSERT_TRUE(parser.push(mebibyte));
    const auto result = parser.push(mebibyte);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::corrupt);
}

TEST(ParseHead, TakesAWholeHeadAndNothingElse) {
    for (const bool footers : {true, false}) {
        StreamBuilder configuration, setup;
        configuration.begin().configuration("m");
        setup.footers = footers;
        setup.ram_setup({{"pc.ram", 4096}});
        const auto parsed = parse_head(configuration.bytes, setup.bytes);
        ASSERT_TRUE(parsed) << parsed.error().render();
        EXPECT_EQ(parsed->machine, "m");
        EXPECT_EQ(parsed->footers, footers);
        const Content more = StreamBuilder(setup).u8(2).bytes;
        EXPECT_FALSE(parse_head(configuration.bytes, more));
        EXPECT_FALSE(parse_head(configuration.bytes, std::span(setup.bytes).first(setup.bytes.size() - 1)));
        EXPECT_FALSE(parse_head(setup.bytes, configuration.bytes));
    }
}

}  // namespace
}  // namespace stasis::codec::migration
