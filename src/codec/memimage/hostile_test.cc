// Memory images whose checksums are all right and whose contents are not: each is refused, and nothing large is
// allocated for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include <zstd.h>

#include "codec/memimage/testing/image_builder.h"
#include "codec/memimage/testing/reseal.h"
#include "codec/migration/testing/stream_builder.h"

namespace stasis::codec::memimage {
namespace {

using ::testing::HasSubstr;
using migration::testing::sample_page;
using testing::Bytes;
using testing::check_all;
using testing::ImageBuilder;
using testing::load_record;
using testing::store_record;

/// An image taken apart so that a test can change a record and put it together with right checksums.
class Forgery {
public:
    explicit Forgery(Codec codec = Codec::raw) {
        ImageBuilder builder(codec, {{"pc.ram", 3 << 20}, {"pc.rom", 8192}});
        for (std::uint64_t page = 0; page < 100; ++page) builder.page(0, page, sample_page(static_cast<std::uint32_t>(page)));
        builder.page(1, 0, sample_page(200));
        image = builder.finish("configuration", "setup", "device state");
    }
    template <class T>
    void change(std::size_t offset, const std::function<void(T&)>& edit) {
        auto record = load_record<T>(image, offset);
        edit(record);
        store_record(image, offset, record);
    }
    void header(const std::function<void(Header&)>& edit) { change<Header>(0, edit); }
    void footer(const std::function<void(Footer&)>& edit) { change<Footer>(image.size() - sizeof(Footer), edit); }
    void block(std::size_t i, const std::function<void(BlockEntry&)>& edit) { change<BlockEntry>(at(kBlocks, sizeof(BlockEntry) * i), edit); }
    void group(std::size_t i, const std::function<void(GroupEntry&)>& edit) { change<GroupEntry>(at(kGroups, sizeof(GroupEntry) * i), edit); }
    void entry(std::size_t i, std::uint32_t value) { store_record(image, at(kIndex, 4 * i), Little32(value)); }
    void chunk(std::size_t i, const std::function<void(ChunkEntry&)>& edit) { change<ChunkEntry>(at(kChunks, sizeof(ChunkEntry) * i), edit); }
    std::size_t at(Section section, std::size_t offset) const {
        return load_record<Footer>(image, image.size() - sizeof(Footer)).sections[section].offset + offset;
    }
    void expect_refused(const std::string& says, ErrorKind kind = ErrorKind::corrupt) {
        testing::reseal(image);
        const auto result = check_all(image);
        ASSERT_FALSE(result) << says;
        EXPECT_EQ(result.error().kind, kind) << says;
        EXPECT_THAT(result.error().render(), HasSubstr(says));
    }
    Bytes image;
};

TEST(HostileImage, ResealingAloneChangesNothing) {
    for (const Codec codec : {Codec::raw, Codec::lz4, Codec::zstd}) {
        Forgery forgery(codec);
        const Bytes before = forgery.image;
        testing::reseal(forgery.image);
        EXPECT_EQ(forgery.image, before);
        EXPECT_TRUE(check_all(forgery.image));
    }
}

#define REFUSED(says, edit)      \
    do {                         \
        Forgery f;               \
        edit;                    \
        f.expect_refused(says);  \
    } while (false)

TEST(HostileImage, HeaderAndFooter) {
    REFUSED("begin", f.header([](Header& h) { h.magic[0] = 'X'; }));
    REFUSED("header holds", f.header([](Header& h) { h.page_bytes = 8192u; }));
    REFUSED("header holds", f.header([](Header& h) { h.chunk_pages = 1u << 31; }));
    REFUSED("header holds", f.header([](Header& h) { h.header_bytes = 0u; }));
    REFUSED("header holds", f.header([](Header& h) { h.compression = 3u; }));
    REFUSED("header holds", f.header([](Header& h) { h.reserved[4059] = std::byte{1}; }));
    REFUSED("no footer", f.footer([](Footer& t) { t.magic[7] = 'I'; }));
    REFUSED("bytes long", f.footer([](Footer& t) { t.file_bytes = 1ull << 60; }));
    REFUSED("footer holds", f.footer([](Footer& t) { t.footer_bytes = 255u; }));
    REFUSED("footer holds", f.footer([](Footer& t) { t.reserved[0] = std::byte{1}; }));
    REFUSED("add up", f.footer([](Footer& t) { t.guest_bytes = 1ull << 60; }));
    REFUSED("number of pages", f.footer([](Footer& t) { t.stored_pages = 100u; }));
    Forgery newer;
    newer.header([](Header& h) { h.version = 2u; });
    newer.expect_refused("version 2", ErrorKind::unsupported);
}

TEST(HostileImage, Sections) {
    for (std::size_t i = 0; i < kSectionCount; ++i) {
        REFUSED("section", f.footer([i](Footer& t) { t.sections[i].bytes = ~0ull; }));
        REFUSED("section", f.footer([i](Footer& t) { t.sections[i].bytes = 1ull << 60; }));
        REFUSED("section", f.footer([i](Footer& t) { t.sections[i].offset = ~0ull; }));
        REFUSED("", f.footer([i](Footer& t) { t.sections[i].offset = 0u; }));
        REFUSED("", f.footer([i](Footer& t) { t.sections[i].offset = t.sections[i].offset + 1; }));
        REFUSED("", f.footer([i](Footer& t) { t.sections[i].bytes = t.sections[i].bytes - 1; }));
    }
    // Two sections trade bytes: bounds still fit, the content does not.
    REFUSED("", f.footer([](Footer& t) {
        t.sections[kGroups].bytes = t.sections[kGroups].bytes + 2048;
        t.sections[kIndex] = {t.sections[kIndex].offset + 2048, t.sections[kIndex].bytes - 2048, 0u};
    }));
}

TEST(HostileImage, ASectionOverItsLimitIsNotRead) {
    Bytes image(sizeof(Header) + (64u << 20) + 4096 + sizeof(Footer));  // sections of one byte more than allowed
    const Header header = make_header(Codec::raw);
    store_record(image, 0, header);
    Footer footer;
    std::ranges::copy(kFooterMagic, footer.magic.begin());
    footer.version = 1u;
    footer.footer_bytes = 256u;
    footer.file_bytes = image.size();
    const std::uint64_t end = image.size() - sizeof(Footer);
    for (auto& section : footer.sections) section = {end, 0u, 0u};
    footer.sections[kConfiguration] = {sizeof(Header), 0u, 0u};
    footer.sections[kRamSetup] = {sizeof(Header), 0u, 0u};
    footer.sections[kDeviceState] = {sizeof(Header), end - sizeof(Header), 0u};
    store_record(image, image.size() - sizeof(Footer), footer);
    testing::reseal(image);
    const auto result = testing::open_bytes(image);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().render(), HasSubstr("impossible length"));
}

TEST(HostileImage, Blocks) {
    REFUSED("length is impossible", f.block(0, [](BlockEntry& b) { b.bytes = ~0xfffull; }));
    REFUSED("length is impossible", f.block(0, [](BlockEntry& b) { b.bytes = 17ull << 40; }));
    REFUSED("length is impossible", f.block(0, [](BlockEntry& b) { b.bytes = b.bytes + 1; }));
    REFUSED("follow", f.block(1, [](BlockEntry& b) { b.first_group = 1u; }));
    REFUSED("follow", f.block(0, [](BlockEntry& b) { b.bytes = 8ull << 40; }));
    REFUSED("name", f.block(0, [](BlockEntry& b) { b.name_bytes = 0; }));
    REFUSED("name", f.block(0, [](BlockEntry& b) { b.name_bytes = 3; }));
    REFUSED("name", f.block(0, [](BlockEntry& b) { b.name_bytes = 255; }));
    REFUSED("name", f.block(1, [](BlockEntry& b) { std::ranges::copy(std::string_view("pc.ram"), b.name.begin()); }));
    REFUSED("group directory", {
        f.block(1, [](BlockEntry& b) { b.bytes = 3u << 20; });
        f.footer([](Footer& t) { t.guest_bytes = 6u << 20; });
    });
}

TEST(HostileImage, GroupsAndIndex) {
    REFUSED("group directory", f.group(0, [](GroupEntry& g) { g.ordinal = 2u; }));
    REFUSED("group directory", f.group(2, [](GroupEntry& g) { g.ordinal = 1u; }));
    REFUSED("group directory", f.group(2, [](GroupEntry& g) { g.ordinal = 0xffffffffu; }));
    REFUSED("group directory", f.group(1, [](GroupEntry& g) { g.checksum = 1u; }));
    REFUSED("group directory", f.group(0, [](GroupEntry& g) { g.reserved = 1u; }));
    REFUSED("page index", f.group(1, [](GroupEntry& g) { g.ordinal = 2u; }); f.group(2, [](GroupEntry& g) { g.ordinal = 3u; }));
    REFUSED("outside a chunk", f.entry(0, 1 + 64 * 2));            // chunk 2 of 2
    REFUSED("outside a chunk", f.entry(0, 1 + 64 + 37));           // slot 37 of a chunk of 37
    REFUSED("outside a chunk", f.entry(0, 0xffffffff));
    REFUSED("share a slot", f.entry(0, 2));
    REFUSED("outside a chunk", f.entry(512 + 2, 1); f.entry(0, 0));  // behind the end of pc.rom
    REFUSED("number of pages", f.entry(0, 0));
}

TEST(HostileImage, Chunks) {
    REFUSED("gap", f.chunk(1, [](ChunkEntry& c) { c.offset = 4096u; }));
    REFUSED("gap", f.chunk(0, [](ChunkEntry& c) { c.offset = 0u; }));
    REFUSED("gap", f.chunk(1, [](ChunkEntry& c) { c.offset = 1ull << 60; }));
    REFUSED("impossible", f.chunk(0, [](ChunkEntry& c) { c.pages = 63; }));
    REFUSED("impossible", f.chunk(1, [](ChunkEntry& c) { c.pages = 0; }));
    REFUSED("impossible", f.chunk(1, [](ChunkEntry& c) { c.pages = 65; }));
    REFUSED("impossible", f.chunk(1, [](ChunkEntry& c) { c.stored_bytes = 0xffffffffu; }));
    REFUSED("impossible", f.chunk(1, [](ChunkEntry& c) { c.codec = 3; }));
    REFUSED("impossible", f.chunk(1, [](ChunkEntry& c) { c.codec = 1; }));  // packed and not smaller
    REFUSED("impossible", f.chunk(1, [](ChunkEntry& c) { c.reserved = 1u; }));
}

TEST(HostileImage, PackedChunksUnpackToTheirPagesAndNoMore) {
    for (const Codec codec : {Codec::lz4, Codec::zstd}) {
        Forgery other(codec);
        other.chunk(1, [codec](ChunkEntry& c) { c.codec = codec == Codec::lz4 ? 2 : 1; });
        other.expect_refused("does not unpack");
        for (const int pages : {36, 38}) {
            Forgery f(codec);
            f.chunk(1, [pages](ChunkEntry& c) { c.pages = static_cast<std::uint8_t>(pages); });
            f.expect_refused(pages == 36 ? "outside a chunk" : "does not unpack");
        }
    }
}

TEST(ChunkUnpacker, ABombDoesNotGoOff) {
    const Bytes large(64u << 20);
    Bytes bomb(ZSTD_compressBound(large.size()));
    bomb.resize(ZSTD_compress(bomb.data(), bomb.size(), large.data(), large.size(), 19));
    ASSERT_LT(bomb.size(), 8192u);
    Bytes room(kPageBytes + 64, std::byte{0x5a});
    ChunkUnpacker unpacker;
    for (const Codec codec : {Codec::zstd, Codec::lz4, Codec::raw})
        EXPECT_EQ(unpacker.unpack(codec, bomb, std::span(room).first(kPageBytes)).error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(std::ranges::all_of(std::span(room).subspan(kPageBytes), [](std::byte b) { return b == std::byte{0x5a}; }));
}

}  // namespace
}  // namespace stasis::codec::memimage
