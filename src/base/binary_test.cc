#include <fcntl.h>

#include <limits>

#include <gtest/gtest.h>

#include "base/bounded_reader.h"
#include "base/checked.h"
#include "base/endian.h"
#include "base/undo.h"
#include "base/unique_fd.h"


namespace stasis {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

struct Header {
    Big32 magic;
    Little16 version;
    Big64 size;
};
static_assert(sizeof(Header) == 14 && std::is_trivially_copyable_v<Header>);

TEST(Endian, integers_lie_in_their_own_order) {
    Header header;
    header.magic = 0x01020304;
    header.version = 0x0506;
    header.size = 0x1122334455667788;
    const std::string_view raw(reinterpret_cast<const char*>(&header), sizeof header);
    EXPECT_EQ(raw, "\x01\x02\x03\x04\x06\x05\x11\x22\x33\x44\x55\x66\x77\x88");
    EXPECT_EQ(header.magic, 0x01020304u);
    EXPECT_EQ(header.size.value(), 0x1122334455667788u);
}

TEST(Endian, load_and_store_at_an_offset) {
    std::array<std::byte, 8> buffer{};
    store_big<std::uint32_t>(buffer, 1, 0xa1b2c3d4);
    EXPECT_EQ(load_big<std::uint32_t>(buffer, 1), 0xa1b2c3d4u);
    EXPECT_EQ(load_little<std::uint32_t>(buffer, 1), 0xd4c3b2a1u);
    EXPECT_EQ(load_big<std::uint16_t>(buffer, 0), 0x00a1u);
    store_little<std::uint64_t>(buffer, 0, 7);
    EXPECT_EQ(std::to_integer<int>(buffer[0]), 7);
}

TEST(EndianDeathTest, a_short_span_traps_instead_of_reading_on) {
    std::array<std::byte, 3> buffer{};
    EXPECT_DEATH((void)load_big<std::uint32_t>(buffer), "");
    EXPECT_DEATH((void)load_big<std::uint16_t>(buffer, std::numeric_limits<std::size_t>::max()), "");
}

TEST(BoundedReader, reads_what_is_there) {
    BoundedReader reader(bytes_of("\x01\x02\x04\x03hello\x07"));
    EXPECT_EQ(reader.read_big<std::uint16_t>().value(), 0x0102);
    EXPECT_EQ(reader.read_little<std::uint16_t>().value(), 0x0304);
    EXPECT_EQ(reader.read_string(5).value(), "hello");
    EXPECT_EQ(reader.position(), 9u);
    EXPECT_EQ(reader.read_u8().value(), 7);
    EXPECT_TRUE(reader.at_end());
    ASSERT_TRUE(reader.seek(4));
    ASSERT_TRUE(reader.skip(1));
    EXPECT_EQ(reader.read_bytes(4)->size(), 4u);
}

TEST(BoundedReader, a_short_input_is_corrupt_and_the_cursor_stays) {
    BoundedReader reader(bytes_of("abc"), "header of /x");
    const auto result = reader.read_big<std::uint32_t>();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::corrupt);
    EXPECT_EQ(result.error().render(), "cannot read header of /x: 4 bytes needed at offset 0, 3 left");
    EXPECT_EQ(reader.position(), 0u);
    EXPECT_FALSE(reader.skip(std::numeric_limits<std::uint64_t>::max()));
    EXPECT_FALSE(reader.seek(4));
    EXPECT_FALSE(reader.read_struct<Header>());
    EXPECT_TRUE(reader.seek(3));
    EXPECT_FALSE(reader.read_u8());
    EXPECT_TRUE(reader.read_bytes(0));
}

TEST(BoundedReader, takes_structs_as_they_lie) {
    BoundedReader reader(bytes_of(std::string_view("QFI\xfb\x02\x00\x00\x00\x00\x00\x00\x00\x01\x00", 14)));
    const auto header = reader.read_struct<Header>();
    ASSERT_TRUE(header);
    EXPECT_EQ(header->magic, 0x514649fbu);
    EXPECT_EQ(header->version, 2u);
    EXPECT_EQ(header->size, 256u);
}

TEST(Checked, arithmetic_knows_its_limits) {
    constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(checked_add<std::uint64_t>(kMax - 1, 1), kMax);
    EXPECT_EQ(checked_add<std::uint64_t>(kMax, 1), std::nullopt);
    EXPECT_EQ(checked_sub<std::uint64_t>(1, 2), std::nullopt);
    EXPECT_EQ(checked_sub<std::uint64_t>(2, 2), 0u);
    EXPECT_EQ(checked_mul<std::uint64_t>(1ull << 32, 1ull << 31), 1ull << 63);
    EXPECT_EQ(checked_mul<std::uint64_t>(1ull << 32, 1ull << 32), std::nullopt);
    EXPECT_EQ(checked_cast<std::uint8_t>(255), 255);
    EXPECT_EQ(checked_cast<std::uint8_t>(256), std::nullopt);
    EXPECT_EQ(checked_cast<std::uint64_t>(-1), std::nullopt);
    EXPECT_EQ(checked_round_up<std::uint64_t>(0, 4096), 0u);
    EXPECT_EQ(checked_round_up<std::uint64_t>(1, 4096), 4096u);
    EXPECT_EQ(checked_round_up<std::uint64_t>(4096, 4096), 4096u);
    EXPECT_EQ(checked_round_up<std::uint64_t>(kMax, 4096), std::nullopt);
}

TEST(Checked, ranges_do_not_wrap_around) {
    constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
    EXPECT_TRUE(range_within(0, 10, 10));
    EXPECT_TRUE(range_within(10, 0, 10));
    EXPECT_FALSE(range_within(1, 10, 10));
    EXPECT_FALSE(range_within(11, 0, 10));
    EXPECT_FALSE(range_within(kMax, 2, 10));
    EXPECT_FALSE(range_within(2, kMax, 10));
}

TEST(Undo, runs_unless_dismissed) {
    int count = 0;
    { const Undo undo([&] { ++count; }); }
    EXPECT_EQ(count, 1);
    {
        Undo undo([&] { ++count; });
        undo.dismiss();
    }
    EXPECT_EQ(count, 1);
}

TEST(UniqueFd, closes_once_and_moves) {
    UniqueFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = first.get();
    UniqueFd second(std::move(first));
    EXPECT_EQ(second.get(), number);
    second.reset();
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
    EXPECT_FALSE(second);
}

}  // namespace
}  // namespace stasis
