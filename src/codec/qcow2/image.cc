#include "codec/qcow2/image.h"

#include "codec/qcow2/header.h"

namespace stasis::codec::qcow2 {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct SnapshotTable {
    std::vector<Snapshot> snapshots;
    std::uint64_t bytes = 0;
};

Result<Snapshot> read_snapshot(const Source& source, const Header& header, TableReader& table) {
    constexpr std::size_t kFixedBytes = 40;
    STASIS_TRY(const auto fixed, table.take(kFixedBytes));
    const auto l1_offset = load_big<std::uint64_t>(fixed, 0);
    const auto l1_entries = load_big<std::uint32_t>(fixed, 8);
    const auto id_bytes = load_big<std::uint16_t>(fixed, 12);
    const auto name_bytes = load_big<std::uint16_t>(fixed, 14);
    const auto extra_bytes = load_big<std::uint32_t>(fixed, 36);
    Snapshot snapshot{.vm_state_bytes = load_big<std::uint32_t>(fixed, 32),
                      .virtual_bytes = header.virtual_bytes,
                      .created_seconds = load_big<std::uint32_t>(fixed, 16)};
    if (l1_entries > kL1BytesMax / 8) return corrupt(source, "a snapshot's l1_size is out of range");
    if (l1_entries != 0)
        STASIS_CHECK(check_table(source, header, {l1_offset, l1_entries * std::uint64_t{8}, "a snapshot's L1 table"}));
    if (extra_bytes > kSnapshotExtraBytesMax) return corrupt(source, "a snapshot's extra_data_size is out of range");
    STASIS_TRY(const auto extra, table.take(extra_bytes));
    if (extra_bytes >= 8) snapshot.vm_state_bytes = load_big<std::uint64_t>(extra, 0);
    if (extra_bytes >= 16) snapshot.virtual_bytes = load_big<std::uint64_t>(extra, 8);
    STASIS_TRY(const auto id, table.take(id_bytes));
    snapshot.id = text_of(id);
    STASIS_TRY(const auto name, table.take(name_bytes));
    snapshot.name = text_of(name);
    STASIS_CHECK(table.align8());
    return snapshot;
}

Result<SnapshotTable> read_snapshots(const Source& source, const Header& header) {
    SnapshotTable result;
    if (header.snapshots == 0) return result;
    STASIS_CHECK(check_table(source, header, {header.snapshots_offset, header.snapshots * std::uint64_t{40}, "the snapshot table"}));
    TableReader table(source, header.snapshots_offset, kSnapshotTableBytesMax, "the snapshot table");
    for (std::uint32_t i = 0; i < header.snapshots; ++i) {
        STASIS_TRY(auto snapshot, read_snapshot(source, header, table));
        result.snapshots.push_back(std::move(snapshot));
    }
    result.bytes = table.taken();
    return result;
}

Result<Bitmap> read_bitmap(const Source& source, TableReader& table) {
    constexpr std::size_t kFixedBytes = 24;
    STASIS_TRY(const auto fixed, table.take(kFixedBytes));
    const auto flags = load_big<std::uint32_t>(fixed, 12);
    const auto granularity_bits = std::to_integer<std::uint8_t>(fixed[17]);
    const auto name_bytes = load_big<std::uint16_t>(fixed, 18);
    const auto extra_bytes = load_big<std::uint32_t>(fixed, 20);
    if (granularity_bits < 9 || granularity_bits > 31) return corrupt(source, "a bitmap's granularity_bits is out of range");
    if (name_bytes == 0 || name_bytes > 1023) return corrupt(source, "a bitmap's name_size is out of range");
    if (extra_bytes > kSnapshotExtraBytesMax) return corrupt(source, "a bitmap's extra_data_size is out of range");
    STASIS_CHECK(table.take(extra_bytes));
    STASIS_TRY(const auto name, table.take(name_bytes));
    Bitmap bitmap{.name = text_of(name),
                  .granularity_bytes = std::uint64_t{1} << granularity_bits,
                  .in_use = (flags & 1) != 0,
                  .enabled = (flags & 2) != 0};
    STASIS_CHECK(table.align8());
    return bitmap;
}

Result<std::vector<Bitmap>> read_bitmaps(const Source& source, const BitmapExtension& extension) {
    std::vector<Bitmap> bitmaps;
    TableReader table(source, extension.directory_offset, extension.directory_bytes, "the bitmap directory");
    for (std::uint32_t i = 0; i < extension.count; ++i) {
        STASIS_TRY(auto bitmap, read_bitmap(source, table));
        bitmaps.push_back(std::move(bitmap));
    }
    return bitmaps;
}

Result<void> check_tables_apart(const Source& source, const Header& header, std::uint64_t snapshot_bytes,
                                const Extensions& extensions) {
    std::vector<Extent> tables{{0, header.cluster_bytes(), "the header"},
                               {header.refcount_offset, header.refcount_clusters * header.cluster_bytes(), "the refcount table"}};
    if (header.l1_entries != 0) tables.push_back({header.l1_offset, header.l1_entries * std::uint64_t{8}, "the L1 table"});
    if (snapshot_bytes != 0) tables.push_back({header.snapshots_offset, snapshot_bytes, "the snapshot table"});
    if (extensions.bitmaps)
        tables.push_back({extensions.bitmaps->directory_offset, extensions.bitmaps->directory_bytes, "the bitmap directory"});
    return check_overlap(source, std::move(tables));
}

}  // namespace

Result<bool> has_magic(const Source& source) {
    if (source.size_bytes < 4) return false;
    STASIS_TRY(const auto bytes, read_exact(source, 0, 4, "the magic"));
    return load_big<std::uint32_t>(bytes, 0) == kMagic;
}

Result<Image> read_image(const Source& source) {
    STASIS_TRY(const Header header, read_header(source));
    STASIS_TRY(const Extensions extensions, read_extensions(source, header));
    Image image{.version = header.version, .cluster_bits = header.cluster_bits, .virtual_bytes = header.virtual_bytes};
    STASIS_TRY(image.backing_path, read_backing_name(source, header));
    image.backing_format = extensions.backing_format;
    image.data_file = extensions.data_file;
    image.has_external_data_file = (header.incompatible & kIncompatibleDataFile) != 0;
    image.dirty = (header.incompatible & kIncompatibleDirty) != 0;
    image.marked_corrupt = (header.incompatible & kIncompatibleCorrupt) != 0;
    image.extended_l2 = (header.incompatible & kIncompatibleExtendedL2) != 0;
    image.zstd = header.compression == 1;
    STASIS_TRY(auto snapshots, read_snapshots(source, header));
    STASIS_CHECK(check_tables_apart(source, header, snapshots.bytes, extensions));
    image.snapshots = std::move(snapshots.snapshots);
    if (extensions.bitmaps) {
        STASIS_TRY(image.bitmaps, read_bitmaps(source, *extensions.bitmaps));
    }
    return image;
}

}  // namespace stasis::codec::qcow2
