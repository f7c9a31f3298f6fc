#include <limits>
#include <set>

#include <gtest/gtest.h>

#include <stasis/snapshot.h>
#include <stasis/types.h>

namespace stasis {
namespace {

// "value", or the error's kind: asking a good result for its error would be undefined.
template <class T>
std::string_view outcome(const Result<T>& result) {
    return result ? "value" : to_string(result.error().kind);
}

bool good_name(std::string_view text) { return SnapshotName::parse(text).has_value(); }
bool good_target(std::string_view text) { return DiskTarget::parse(text).has_value(); }

TEST(Names, accept_what_people_call_things) {
    for (const auto* text : {"a", "20240501101500", "before upgrade", "web-1.old_2", "größe", "日本", "a..b", "a,b=c"})
        EXPECT_TRUE(good_name(text)) << text;
    EXPECT_EQ(DomainName::parse("web")->str(), "web");
    EXPECT_TRUE(good_name(std::string(128, 'x')));
}

TEST(Names, refuse_what_could_leave_a_folder_or_fool_the_eye) {
    for (const auto* text : {"", ".", "..", ".hidden", "-x", "a/b", "/", " a", "a ", "a\n", "a\tb", "\x7f", "a\x1b[0m",
                             "a\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x80", "a\xe2\x80\xae" "b",
                             "a\xe2\x80\x8b", "a\xc2\xa0", "\xe3\x80\x80x", "\xee\x80\x80", "\xef\xbf\xbf"})
        EXPECT_FALSE(good_name(text)) << testing::PrintToString(std::string(text));
    EXPECT_FALSE(good_name(std::string(129, 'x')));
    EXPECT_FALSE(good_name(std::string_view("a\0b", 3)));
}

TEST(Names, say_which_rule_is_broken) {
    EXPECT_EQ(DomainName::parse("a/b").error().render(),
              "cannot use domain name 'a/b': it contains '/'; next: use letters, digits, '_', '.' and '-', starting with "
              "a letter or digit");
    EXPECT_EQ(SnapshotName::parse("a\x01").error().why, "it contains the unprintable character U+0001");
    EXPECT_EQ(SnapshotName::parse("a\xff").error().why, "it is not UTF-8 at byte 1");
    EXPECT_EQ(SnapshotName::parse("").error().kind, ErrorKind::invalid);
}

TEST(DiskTargets, follow_their_rule) {
    for (const auto* text : {"vda", "sdb", "xvda", "hd0", "v1", "abcdefghijklmnop"}) EXPECT_TRUE(good_target(text)) << text;
    for (const auto* text : {"", "v", "1a", "Vda", "vdA", "vd-a", "vd a", "abcdefghijklmnopq", "vd/a"})
        EXPECT_FALSE(good_target(text)) << text;
}

TEST(Uuids, read_both_forms_and_write_one) {
    const auto* text = "123e4567-e89b-42d3-a456-426614174000";
    EXPECT_EQ(Uuid::parse(text)->str(), text);
    EXPECT_EQ(Uuid::parse("123E4567E89B42D3A456426614174000")->str(), text);
    EXPECT_EQ(Uuid::parse(text)->bytes[0], 0x12);
    EXPECT_EQ(Uuid::parse(text)->bytes[15], 0x00);
}

TEST(Uuids, refuse_everything_else) {
    for (const auto* text : {"", "123e4567", "123e4567-e89b-42d3-a456-42661417400", "123e4567-e89b-42d3-a456-4266141740000",
                             "123e4567e-89b-42d3-a456-426614174000", "123e4567-e89b-42d3-a456-42661417400g",
                             "-123e4567e89b42d3a45642661417400", "123e4567_e89b_42d3_a456_426614174000"})
        EXPECT_EQ(outcome(Uuid::parse(text)), "invalid") << text;
}

TEST(Uuids, are_random_version_4) {
    std::set<Uuid> seen;
    for (int i = 0; i < 100; ++i) {
        const auto uuid = Uuid::random();
        EXPECT_EQ(uuid.bytes[6] >> 4, 4);
        EXPECT_EQ(uuid.bytes[8] >> 6, 2);
        seen.insert(uuid);
    }
    EXPECT_EQ(seen.size(), 100u);
    EXPECT_TRUE(Uuid{}.is_nil());
    EXPECT_FALSE(Uuid::random().is_nil());
}

TEST(Sizes, are_read_in_binary_units) {
    EXPECT_EQ(parse_bytes("4096")->value, 4096u);
    EXPECT_EQ(parse_bytes("0")->value, 0u);
    EXPECT_EQ(parse_bytes("17B")->value, 17u);
    EXPECT_EQ(parse_bytes("2k")->value, 2048u);
    EXPECT_EQ(parse_bytes("512M")->value, 512ull << 20);
    EXPECT_EQ(parse_bytes("1GiB")->value, 1ull << 30);
    EXPECT_EQ(parse_bytes("3T")->value, 3ull << 40);
    EXPECT_EQ(parse_bytes("15E")->value, 15ull << 60);
    EXPECT_EQ(parse_bytes("18446744073709551615")->value, std::numeric_limits<std::uint64_t>::max());
}

TEST(Sizes, refuse_what_is_not_clear_or_too_large) {
    for (const auto* text : {"", "M", "-1", "+1", " 1", "1 M", "1.5G", "1KB", "1MB", "1x", "1MiBs", "0x10", "16E",
                             "18446744073709551616", "99999999999999999999999", "18014398509481984K"})
        EXPECT_EQ(outcome(parse_bytes(text)), "invalid") << text;
}

TEST(Sizes, are_written_with_one_decimal_at_most) {
    EXPECT_EQ(format_bytes({0}), "0 B");
    EXPECT_EQ(format_bytes({17}), "17 B");
    EXPECT_EQ(format_bytes({1023}), "1023 B");
    EXPECT_EQ(format_bytes({1024}), "1 KiB");
    EXPECT_EQ(format_bytes({512ull << 20}), "512 MiB");
    EXPECT_EQ(format_bytes({3ull << 29}), "1.5 GiB");
    EXPECT_EQ(format_bytes({(1ull << 30) - 1}), "1 GiB");  // not "1024 MiB"
    EXPECT_EQ(format_bytes({std::numeric_limits<std::uint64_t>::max()}), "16 EiB");
}

template <class Enum, class From>
void expect_round_trip(int count, From from) {
    for (int i = 0; i < count; ++i) {
        const auto value = static_cast<Enum>(i);
        EXPECT_EQ(from(to_string(value)), value) << to_string(value);
    }
    EXPECT_EQ(from("unknown"), std::nullopt);
    EXPECT_EQ(from(""), std::nullopt);
}

TEST(Words, are_the_documented_ones) {
    EXPECT_EQ(to_string(DomainState::shut_off), "shut off");
    EXPECT_EQ(to_string(DomainState::crashed), "crashed");
    EXPECT_EQ(to_string(SnapshotState::shut_off), "shutoff");
    EXPECT_EQ(to_string(SnapshotState::disk_snapshot), "disk-snapshot");
    EXPECT_EQ(to_string(DiskMode::no), "no");
    EXPECT_EQ(to_string(DiskMode::external), "external");
    EXPECT_EQ(to_string(MemoryMethod::background), "background");
    EXPECT_EQ(to_string(MemoryMethod::stopped), "stopped");
    EXPECT_EQ(to_string(MemoryCompression::zstd), "zstd");
    EXPECT_EQ(to_string(ErrorKind::invalid), "invalid");
    EXPECT_EQ(to_string(ErrorKind::not_found), "not_found");
    EXPECT_EQ(to_string(ErrorKind::no_space), "no_space");
    EXPECT_EQ(to_string(ErrorKind::failed), "failed");
}

TEST(Words, read_back_as_what_they_stand_for) {
    expect_round_trip<SnapshotState>(4, snapshot_state_from);
    expect_round_trip<DiskMode>(3, disk_mode_from);
    expect_round_trip<MemoryMethod>(4, memory_method_from);
    expect_round_trip<MemoryCompression>(3, memory_compression_from);
}

}  // namespace
}  // namespace stasis
