// Memory images: their layout, what goes in comes out, and no damage passes unnoticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "codec/memimage/checksum.h"
#include "codec/memimage/testing/image_builder.h"
#include "codec/memimage/testing/reseal.h"
#include "codec/migration/testing/stream_builder.h"

namespace stasis::codec::memimage {
namespace {

using migration::testing::sample_page;
using testing::Bytes;
using testing::check_all;
using testing::ImageBuilder;
using testing::load_record;
using testing::open_bytes;

constexpr std::array kCodecs = {Codec::raw, Codec::lz4, Codec::zstd};

// Two blocks: pc.ram of 3 MiB (two groups), pc.rom of two pages. Three stored pages.
Bytes small_image(Codec codec) {
    ImageBuilder builder(codec, {{"pc.ram", 3 << 20}, {"pc.rom", 8192}});
    builder.page(0, 1, sample_page(11));
    builder.page(0, 767, sample_page(12));
    builder.page(1, 0, sample_page(13));
    return builder.finish("configuration", "setup", "device state");
}

std::uint64_t le(const Bytes& image, std::size_t offset, int bytes) {
    std::uint64_t value = 0;
    for (int i = bytes; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(image[offset + static_cast<std::size_t>(i)]);
    return value;
}
std::string text(const Bytes& image, std::size_t offset, std::size_t bytes) {
    return {reinterpret_cast<const char*>(image.data()) + offset, bytes};
}

// Offsets worked out by hand from docs/formats/memory-image.md.
TEST(MemoryImageFormat, BytesStandWhereTheDocumentSays) {
    const Bytes image = small_image(Codec::raw);
    EXPECT_EQ(text(image, 0, 8), "STASISMI");
    EXPECT_EQ(le(image, 8, 4), 1u);
    EXPECT_EQ(le(image, 12, 4), 4096u);
    EXPECT_EQ(le(image, 16, 4), 4096u);
    EXPECT_EQ(le(image, 20, 4), 64u);
    EXPECT_EQ(le(image, 24, 4), 0u);
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_TRUE(std::ranges::equal(std::span(image).subspan(4096 + i * 4096, 4096), sample_page(11 + i)));
    const std::size_t configuration = 4096 + 3 * 4096, setup = configuration + 13, device = setup + 5, blocks = device + 12;
    const std::size_t groups = blocks + 2 * 272, index = groups + 3 * 16, chunks = index + 3 * 2048, footer = chunks + 24;
    ASSERT_EQ(image.size(), footer + 256);
    EXPECT_EQ(text(image, configuration, 30), "configurationsetupdevice state");
    EXPECT_EQ(le(image, blocks, 8), 3u << 20);
    EXPECT_EQ(text(image, blocks + 17, 7), std::string("pc.ram\0", 7));
    EXPECT_EQ(le(image, blocks + 272 + 8, 8), 2u);  // pc.rom's first group
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(le(image, groups + 16 * i + 8, 4), i + 1);
    EXPECT_EQ(le(image, index + 4, 4), 1u);                       // page 1 of group 0: chunk 0, slot 0
    EXPECT_EQ(le(image, index + 2048 + 255 * 4, 4), 2u);          // page 767 = 512 + 255: slot 1
    EXPECT_EQ(le(image, index + 4096, 4), 3u);
    EXPECT_EQ(le(image, chunks, 8), 4096u);
    EXPECT_EQ(le(image, chunks + 8, 4), 3u * 4096);
    EXPECT_EQ(le(image, chunks + 13, 1), 3u);
    EXPECT_EQ(text(image, footer, 8), "STASISMF");
    EXPECT_EQ(le(image, footer + 16, 8), image.size());
    EXPECT_EQ(le(image, footer + 32, 8), (3u << 20) + 8192);
    EXPECT_EQ(le(image, footer + 40, 8), 3u);
    EXPECT_EQ(le(image, footer + 48 + 3 * 24, 8), blocks);
    EXPECT_EQ(le(image, footer + 48 + 6 * 24 + 8, 8), 24u);
}

TEST(MemoryImageFormat, ZerosTakeNoRoom) {
    ImageBuilder builder(Codec::raw, {{"pc.ram", 1ull << 30}});
    const Bytes image = builder.finish("c", "s", "d");
    EXPECT_EQ(image.size(), 4096 + 3 + 272 + 512 * 16 + 256u);
    EXPECT_TRUE(check_all(image));
}

TEST(MemoryImageFormat, ChunksThatDoNotShrinkAreStoredRaw) {
    std::mt19937_64 random(1);
    Bytes noise(kPageBytes);
    for (const Codec codec : {Codec::lz4, Codec::zstd}) {
        ImageBuilder builder(codec, {{"pc.ram", 1 << 20}});
        for (std::uint64_t page = 0; page < 64; ++page) {
            for (auto& byte : noise) byte = static_cast<std::byte>(random());
            builder.page(0, page, noise);
        }
        builder.page(0, 70, Bytes(kPageBytes, std::byte{7}));
        const Bytes image = builder.finish("c", "s", "d");
        const auto reader = open_bytes(image).value();
        EXPECT_EQ(reader->layout().chunks[0].codec, 0);
        EXPECT_EQ(reader->layout().chunks[1].codec, static_cast<int>(codec));
        EXPECT_LT(reader->layout().chunks[1].stored_bytes, 100u);
    }
}

using Model = std::map<std::pair<std::uint32_t, std::uint64_t>, Bytes>;

// Pages in random order, again and again, with zeros between.
Bytes random_guest(Codec codec, std::uint64_t seed, Model& model) {
    std::mt19937_64 random(seed);
    const std::vector<std::pair<std::string, std::uint64_t>> blocks = {{"a", 700 * 4096}, {"empty", 0}, {"b", 512 * 4096}, {"c", 4096}};
    ImageBuilder builder(codec, blocks);
    for (int i = 0; i < 400; ++i) {
        const std::uint32_t block = std::array{0u, 0u, 2u, 3u}[random() % 4];
        const std::uint64_t page = random() % (blocks[block].second / 4096);
        if (random() % 5 == 0) {
            builder.zero(block, page);
            model.erase({block, page});
            continue;
        }
        const auto content = sample_page(static_cast<std::uint32_t>(random()));
        builder.page(block, page, content);
        model[{block, page}] = Bytes(content.begin(), content.end());
    }
    return builder.finish("configuration", "setup", "device");
}

TEST(MemoryImage, RandomGuestsComeBackAsTheyWere) {
    for (const Codec codec : kCodecs) {
        for (std::uint64_t seed = 1; seed <= 2; ++seed) {
            Model model;
            const Bytes image = random_guest(codec, seed, model);
            ASSERT_TRUE(check_all(image));
            const auto reader = open_bytes(image).value();
            ASSERT_EQ(reader->layout().footer.stored_pages, model.size());
            const Bytes zeros(kPageBytes);
            std::array<std::byte, kPageBytes> page;
            for (const auto& block : reader->layout().blocks) {
                const auto number = *reader->find_block(block.name);
                for (std::uint64_t i = 0; i < block.bytes / kPageBytes; ++i) {
                    ASSERT_TRUE(reader->read_page(block.name, i * kPageBytes, page));
                    const auto known = model.find({number, i});
                    ASSERT_TRUE(std::ranges::equal(page, known == model.end() ? zeros : known->second)) << block.name << i;
                }
            }
        }
    }
}

TEST(MemoryImage, OwnersOfSlotsAreThePagesThatPointThere) {
    Model model;
    const Bytes image = random_guest(Codec::lz4, 9, model);
    const auto reader = open_bytes(image).value();
    const auto owners = reader->check_index().value();
    std::size_t owned = 0;
    for (std::size_t slot = 0; slot < owners.size(); ++slot) {
        if (owners[slot] == kNoPage) continue;
        ++owned;
        const auto place = reader->place_of(owners[slot]);
        const auto found = reader->find_page(place.block, place.page).value();
        EXPECT_EQ(found, (Slot{static_cast<std::uint32_t>(slot / 64), static_cast<std::uint32_t>(slot % 64)}));
        EXPECT_TRUE(model.contains({place.block, place.page}));
    }
    EXPECT_EQ(owned, model.size());
}

TEST(MemoryImage, WrongQuestionsAreRefused) {
    const Bytes image = small_image(Codec::lz4);
    const auto reader = open_bytes(image).value();
    std::array<std::byte, kPageBytes> page;
    EXPECT_EQ(reader->read_page("vga.vram", 0, page).error().kind, ErrorKind::not_found);
    EXPECT_EQ(reader->read_page("pc.rom", 8192, page).error().kind, ErrorKind::invalid);
    EXPECT_EQ(reader->read_page("pc.rom", 100, page).error().kind, ErrorKind::invalid);
    EXPECT_EQ(reader->read_page("pc.ram", ~0xfffull, page).error().kind, ErrorKind::invalid);
    EXPECT_EQ(reader->read_page(2u, 0, page).error().kind, ErrorKind::invalid);
    EXPECT_FALSE(reader->read_chunk(1, page));
}

TEST(MemoryImage, ACutAnywhereIsRefused) {
    const Bytes whole = small_image(Codec::lz4);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto opened = open_bytes(std::span(whole).first(length));
        ASSERT_FALSE(opened) << length;
        ASSERT_EQ(opened.error().kind, ErrorKind::corrupt) << length;
    }
    Bytes longer = whole;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(open_bytes(longer));
}

// Every byte that is not zero outside the pages; of pages and zeros every 31st.
TEST(MemoryImage, AFlippedBitAnywhereIsFound) {
    for (const Codec codec : kCodecs) {
        Bytes image = small_image(codec);
        ASSERT_TRUE(check_all(image));
        std::size_t step = 1;
        for (std::size_t at = 0; at < image.size(); at += step) {
            const bool dull = image[at] == std::byte{0} || (at >= 4096 && at < 4 * 4096);
            step = dull ? 31 : 1;
            const auto bit = static_cast<std::byte>(1 << at % 8);
            image[at] ^= bit;
            ASSERT_FALSE(check_all(image)) << at;
            image[at] ^= bit;
        }
    }
}

TEST(MemoryImage, RandomPageReadsFindDamageWithoutACheckOfTheWhole) {
    Bytes image = small_image(Codec::raw);
    image[4096 + 4096] ^= std::byte{1};  // second page of the only chunk
    const auto reader = open_bytes(image).value();
    std::array<std::byte, kPageBytes> page;
    EXPECT_TRUE(reader->read_page("pc.ram", 0, page));  // zero: needs no chunk
    EXPECT_EQ(reader->read_page("pc.ram", 4096, page).error().kind, ErrorKind::corrupt);
}

TEST(PageIndex, RefusesWhatTheFormatCannotHold) {
    const std::uint64_t tebibyte = 1ull << 40;
    EXPECT_FALSE(PageIndex::make({{"", 4096}}));
    EXPECT_FALSE(PageIndex::make({{std::string(256, 'a'), 4096}}));
    EXPECT_FALSE(PageIndex::make({{"a", 4096}, {"a", 4096}}));
    EXPECT_FALSE(PageIndex::make({{"a", 4095}}));
    EXPECT_FALSE(PageIndex::make({{"a", 16 * tebibyte}, {"b", 4096}}));
    EXPECT_FALSE(PageIndex::make({{"a", ~0xfffull}, {"b", ~0xfffull}}));
    EXPECT_TRUE(PageIndex::make({{"a", 1ull << 30}, {"b", 0}}));
}

}  // namespace
}  // namespace stasis::codec::memimage
