// The images under tests/fuzz/corpus/qcow2 were made by qemu-img 7.2; the command of each stands beside its test.
// The hostile ones are made from a small valid image by overwriting one field (attack cases A2, A4, A5, A16).
#include "codec/qcow2/image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/endian.h"

namespace stasis::codec::qcow2 {
namespace {

using Buffer = std::vector<std::byte>;

Source source_of(const Buffer& bytes) {
    return {.read_at = [&bytes](std::uint64_t offset, std::span<std::byte> buffer) -> Result<std::size_t> {
                if (offset >= bytes.size()) return std::size_t{0};
                const std::size_t count = std::min<std::size_t>(buffer.size(), bytes.size() - static_cast<std::size_t>(offset));
                std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, buffer.begin());
                return count;
            },
            .size_bytes = bytes.size(),
            .subject = "test.qcow2"};
}

Buffer corpus(const std::string& name) {
    std::ifstream in(std::string(STASIS_SOURCE_DIR) + "/tests/fuzz/corpus/qcow2/" + name, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_FALSE(text.empty()) << name;
    Buffer bytes(text.size());
    std::transform(text.begin(), text.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
    return bytes;
}

template <class T>
void put(Buffer& bytes, std::size_t offset, T value) {
    store_big<T>(bytes, offset, value);
}

// qemu-img create -f qcow2 -o cluster_size=512 plain.qcow2 64k
TEST(Qcow2Image, ReadsAPlainImage) {
    const Buffer bytes = corpus("plain.qcow2");
    const auto image = read_image(source_of(bytes));
    ASSERT_TRUE(image) << image.error().render();
    EXPECT_EQ(image->version, 3u);
    EXPECT_EQ(image->cluster_bits, 9u);
    EXPECT_EQ(image->virtual_bytes, 65'536u);
    EXPECT_EQ(image->backing_path, "");
    EXPECT_TRUE(image->snapshots.empty());
    EXPECT_TRUE(image->bitmaps.empty());
    EXPECT_FALSE(image->dirty || image->marked_corrupt || image->extended_l2 || image->zstd || image->has_external_data_file);
}

// qemu-img create -f qcow2 -o cluster_size=512,compat=0.10 v2.qcow2 64k
TEST(Qcow2Image, ReadsVersion2) {
    const Buffer bytes = corpus("v2.qcow2");
    const auto image = read_image(source_of(bytes));
    ASSERT_TRUE(image) << image.error().render();
    EXPECT_EQ(image->version, 2u);
    EXPECT_EQ(image->virtual_bytes, 65'536u);
}

// qemu-img create -f qcow2 -o cluster_size=512 -F raw -u -b /images/base.raw overlay.qcow2 64k
TEST(Qcow2Image, ReadsBackingNameAndFormat) {
    const Buffer bytes = corpus("overlay.qcow2");
    const auto image = read_image(source_of(bytes));
    ASSERT_TRUE(image) << image.error().render();
    EXPECT_EQ(image->backing_path, "/images/base.raw");
    EXPECT_EQ(image->backing_format, "raw");
}

// qemu-img create -f qcow2 -o cluster_size=512 snapshots.qcow2 64k, then snapshot -c first, snapshot -c second
TEST(Qcow2Image, ReadsSnapshots) {
    const Buffer bytes = corpus("snapshots.qcow2");
    const auto image = read_image(source_of(bytes));
    ASSERT_TRUE(image) << image.error().render();
    ASSERT_EQ(image->snapshots.size(), 2u);
    EXPECT_EQ(image->snapshots[0].id, "1");
    EXPECT_EQ(image->snapshots[0].name, "first");
    EXPECT_EQ(image->snapshots[0].virtual_bytes, 65'536u);
    EXPECT_EQ(image->snapshots[0].vm_state_bytes, 0u);
    EXPECT_GT(image->snapshots[0].created_seconds, 1'700'000'000);
    EXPECT_EQ(image->snapshots[1].id, "2");
    EXPECT_EQ(image->snapshots[1].name, "second");
}

// qemu-img create -f qcow2 -o cluster_size=512 bitmaps.qcow2 64k, then bitmap --add -g 65536 check-a,
// bitmap --add --disable check-b
TEST(Qcow2Image, ReadsBitmapNames) {
    const Buffer bytes = corpus("bitmaps.qcow2");
    const auto image = read_image(source_of(bytes));
    ASSERT_TRUE(image) << image.error().render();
    const std::vector<Bitmap> expected{{.name = "check-a", .granularity_bytes = 65'536, .in_use = false, .enabled = true},
                                       {.name = "check-b", .granularity_bytes = 4'096, .in_use = false, .enabled = false}};
    EXPECT_EQ(image->bitmaps.size(), 2u);
    EXPECT_EQ(image->bitmaps[0], expected[0]);
    EXPECT_EQ(image->bitmaps[1].name, "check-b");
    EXPECT_FALSE(image->bitmaps[1].enabled);
}

// qemu-img create -f qcow2 -o cluster_size=512,data_file=secret.raw,data_file_raw=on datafile.qcow2 64k
TEST(Qcow2Image, TellsAnExternalDataFile) {
    const Buffer bytes = corpus("datafile.qcow2");
    const auto image = read_image(source_of(bytes));
    ASSERT_TRUE(image) << image.error().render();
    EXPECT_TRUE(image->has_external_data_file);
    EXPECT_EQ(image->data_file, "secret.raw");
}

// -o cluster_size=512,compression_type=zstd and -o cluster_size=16k,extended_l2=on
TEST(Qcow2Image, TellsZstdAndExtendedL2) {
    const Buffer zstd = corpus("zstd.qcow2");
    const auto first = read_image(source_of(zstd));
    ASSERT_TRUE(first) << first.error().render();
    EXPECT_TRUE(first->zstd);
    const Buffer extended = corpus("extl2.qcow2");
    const auto second = read_image(source_of(extended));
    ASSERT_TRUE(second) << second.error().render();
    EXPECT_TRUE(second->extended_l2);
}

TEST(Qcow2Image, RefusesWhatIsNotQcow2) {
    const Buffer zeros(65'536);
    const auto image = read_image(source_of(zeros));
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().kind, ErrorKind::invalid);
    const Buffer empty;
    EXPECT_FALSE(*has_magic(source_of(empty)));
    EXPECT_EQ(read_image(source_of(empty)).error().kind, ErrorKind::invalid);
}

struct Hostile {
    const char* name;
    const char* file;
    std::function<void(Buffer&)> damage;
    ErrorKind kind;
    const char* says;
};

std::ostream& operator<<(std::ostream& out, const Hostile& hostile) { return out << hostile.name; }

class HostileImage : public testing::TestWithParam<Hostile> {};

TEST_P(HostileImage, IsRefusedAndNamesTheField) {
    Buffer bytes = corpus(GetParam().file);
    ASSERT_TRUE(read_image(source_of(bytes)));
    GetParam().damage(bytes);
    const auto image = read_image(source_of(bytes));
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().kind, GetParam().kind) << image.error().render();
    EXPECT_NE(image.error().why.find(GetParam().says), std::string::npos) << image.error().render();
}

constexpr auto kCorrupt = ErrorKind::corrupt;
constexpr auto kUnsupported = ErrorKind::unsupported;

INSTANTIATE_TEST_SUITE_P(
    Fields, HostileImage,
    testing::Values(
        Hostile{"version", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 4, 4); }, kUnsupported, "version 4"},
        Hostile{"cluster_bits_low", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 20, 8); }, kCorrupt, "cluster_bits"},
        Hostile{"cluster_bits_high", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 20, 63); }, kCorrupt, "cluster_bits"},
        Hostile{"size_huge", "plain.qcow2", [](Buffer& b) { put<std::uint64_t>(b, 24, 1ull << 63); }, kCorrupt, "size"},
        Hostile{"size_over_l1", "plain.qcow2", [](Buffer& b) { put<std::uint64_t>(b, 24, 1 << 20); }, kCorrupt, "l1_size"},
        Hostile{"encrypted", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 32, 1); }, kUnsupported, "crypt_method"},
        Hostile{"l1_entries", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 36, 0xffffffff); }, kCorrupt, "l1_size"},
        Hostile{"l1_offset_far", "plain.qcow2", [](Buffer& b) { put<std::uint64_t>(b, 40, ~511ull); }, kCorrupt, "L1 table"},
        Hostile{"l1_offset_odd", "plain.qcow2", [](Buffer& b) { put<std::uint64_t>(b, 40, 513); }, kCorrupt, "aligned"},
        Hostile{"l1_on_header", "plain.qcow2", [](Buffer& b) { put<std::uint64_t>(b, 40, 0); }, kCorrupt, "header"},
        Hostile{"l1_on_refcounts", "plain.qcow2",
                [](Buffer& b) { put<std::uint64_t>(b, 40, load_big<std::uint64_t>(b, 48)); }, kCorrupt, "overlaps"},
        Hostile{"refcount_offset", "plain.qcow2", [](Buffer& b) { put<std::uint64_t>(b, 48, 1ull << 62); }, kCorrupt, "refcount table"},
        Hostile{"refcount_none", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 56, 0); }, kCorrupt, "refcount_table_clusters"},
        Hostile{"refcount_many", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 56, 0xffffffff); }, kCorrupt, "refcount_table_clusters"},
        Hostile{"refcount_order", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 96, 7); }, kCorrupt, "refcount_order"},
        Hostile{"header_length_low", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 100, 100); }, kCorrupt, "header_length"},
        Hostile{"header_length_high", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 100, 1u << 31); }, kCorrupt, "header_length"},
        Hostile{"unknown_feature", "plain.qcow2", [](Buffer& b) { put<std::uint64_t>(b, 72, 1ull << 40); }, kUnsupported, "incompatible_features"},
        Hostile{"compression_unflagged", "plain.qcow2", [](Buffer& b) { b[104] = std::byte{1}; }, kCorrupt, "compression_type"},
        Hostile{"compression_unknown", "zstd.qcow2", [](Buffer& b) { b[104] = std::byte{9}; }, kUnsupported, "compression_type"},
        Hostile{"snapshots_many", "plain.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 60, 100'000); }, kCorrupt, "nb_snapshots"},
        Hostile{"snapshots_far", "snapshots.qcow2", [](Buffer& b) { put<std::uint64_t>(b, 64, 1ull << 50); }, kCorrupt, "snapshot table"},
        Hostile{"snapshots_on_l1", "snapshots.qcow2",
                [](Buffer& b) {
                    const auto l1 = static_cast<std::size_t>(load_big<std::uint64_t>(b, 40));
                    std::fill_n(b.begin() + static_cast<std::ptrdiff_t>(l1), 256, std::byte{0});
                    put<std::uint64_t>(b, 64, l1);
                },
                kCorrupt, "overlaps"},
        Hostile{"snapshot_l1", "snapshots.qcow2",
                [](Buffer& b) { put<std::uint32_t>(b, static_cast<std::size_t>(load_big<std::uint64_t>(b, 64)) + 8, ~0u); },
                kCorrupt, "snapshot's l1_size"},
        Hostile{"snapshot_extra", "snapshots.qcow2",
                [](Buffer& b) { put<std::uint32_t>(b, static_cast<std::size_t>(load_big<std::uint64_t>(b, 64)) + 36, ~0u); },
                kCorrupt, "extra_data_size"},
        Hostile{"backing_name_long", "overlay.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 16, 0xffffffff); }, kCorrupt, "backing_file_size"},
        Hostile{"backing_name_far", "overlay.qcow2", [](Buffer& b) { put<std::uint64_t>(b, 8, 1ull << 60); }, kCorrupt, "backing_file_offset"},
        Hostile{"backing_name_past_cluster", "overlay.qcow2", [](Buffer& b) { put<std::uint32_t>(b, 16, 1'000); }, kCorrupt, "backing_file_offset"},
        Hostile{"extension_long", "overlay.qcow2",
                [](Buffer& b) { put<std::uint32_t>(b, load_big<std::uint32_t>(b, 100) + 4, 0xfffffff0); }, kCorrupt, "header extension"},
        Hostile{"cut_header", "plain.qcow2", [](Buffer& b) { b.resize(71); }, kCorrupt, "end of the file"},
        Hostile{"cut_tables", "plain.qcow2", [](Buffer& b) { b.resize(512); }, kCorrupt, "end of the file"}),
    [](const auto& hostile) { return std::string(hostile.param.name); });

// A4, A16: whatever is in the file, the reader asks for little and ends.
TEST(Qcow2Image, CutAtEveryByteNeverCrashesOrReadsFar) {
    for (const char* name : {"snapshots.qcow2", "bitmaps.qcow2", "overlay.qcow2"}) {
        const Buffer whole = corpus(name);
        for (std::size_t length = 0; length < whole.size(); length += 7) {
            const Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
            std::size_t asked = 0;
            Source source = source_of(cut);
            source.read_at = [inner = source.read_at, &asked](std::uint64_t offset, std::span<std::byte> buffer) {
                asked += buffer.size();
                return inner(offset, buffer);
            };
            (void)read_image(source);
            EXPECT_LT(asked, 1u << 20);
        }
    }
}

TEST(Qcow2Image, MarkedCorruptIsReportedNotHidden) {
    Buffer bytes = corpus("plain.qcow2");
    put<std::uint64_t>(bytes, 72, 3);
    const auto image = read_image(source_of(bytes));
    ASSERT_TRUE(image);
    EXPECT_TRUE(image->marked_corrupt);
    EXPECT_TRUE(image->dirty);
}

}  // namespace
}  // namespace stasis::codec::qcow2
