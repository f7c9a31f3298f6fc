#include "codec/qcow2/header.h"

#include <algorithm>

namespace stasis::codec::qcow2 {
namespace {

constexpr std::size_t kV2Bytes = 72;
constexpr std::size_t kV3Bytes = 104;
constexpr std::uint64_t kOffsetMax = std::uint64_t{1} << 62;

Result<Header> parse_fixed(const Source& source) {
    STASIS_TRY(const auto bytes, read_exact(source, 0, kV2Bytes, "the header"));
    Header header;
    header.version = load_big<std::uint32_t>(bytes, 4);
    header.backing_offset = load_big<std::uint64_t>(bytes, 8);
    header.backing_bytes = load_big<std::uint32_t>(bytes, 16);
    header.cluster_bits = load_big<std::uint32_t>(bytes, 20);
    header.virtual_bytes = load_big<std::uint64_t>(bytes, 24);
    header.crypt_method = load_big<std::uint32_t>(bytes, 32);
    header.l1_entries = load_big<std::uint32_t>(bytes, 36);
    header.l1_offset = load_big<std::uint64_t>(bytes, 40);
    header.refcount_offset = load_big<std::uint64_t>(bytes, 48);
    header.refcount_clusters = load_big<std::uint32_t>(bytes, 56);
    header.snapshots = load_big<std::uint32_t>(bytes, 60);
    header.snapshots_offset = load_big<std::uint64_t>(bytes, 64);
    return header;
}

Result<void> parse_v3(const Source& source, Header& header) {
    STASIS_TRY(const auto bytes, read_exact(source, 0, kV3Bytes, "the version 3 header"));
    header.incompatible = load_big<std::uint64_t>(bytes, 72);
    header.autoclear = load_big<std::uint64_t>(bytes, 88);
    header.refcount_order = load_big<std::uint32_t>(bytes, 96);
    header.header_bytes = load_big<std::uint32_t>(bytes, 100);
    if (header.header_bytes < kV3Bytes || header.header_bytes > header.cluster_bytes())
        return corrupt(source, "header_length " + std::to_string(header.header_bytes) + " is out of range");
    if (header.header_bytes > kV3Bytes) {
        STASIS_TRY(const auto type, read_exact(source, kV3Bytes, 1, "compression_type"));
        header.compression = std::to_integer<std::uint8_t>(type[0]);
    }
    return {};
}

Result<void> check_features(const Source& source, const Header& header) {
    if (const auto unknown = header.incompatible & ~kIncompatibleKnown; unknown != 0)
        return unsupported(source, "incompatible_features has unknown bits (" + std::to_string(unknown) + ")",
                           "use a newer version of Stasis, or convert the image with 'qemu-img convert'");
    const bool flagged = (header.incompatible & kIncompatibleCompression) != 0;
    if (flagged != (header.compression != 0))
        return corrupt(source, "compression_type contradicts incompatible_features");
    if (header.compression > 1)
        return unsupported(source, "compression_type " + std::to_string(header.compression) + " is not known");
    if (header.crypt_method != 0)
        return unsupported(source, "crypt_method is " + std::to_string(header.crypt_method) + ": the image is encrypted",
                           "use an image without encryption");
    return {};
}

Result<void> check_geometry(const Source& source, const Header& header) {
    const std::uint64_t entry_bytes = (header.incompatible & kIncompatibleExtendedL2) != 0 ? 16 : 8;
    const std::uint64_t per_l1 = header.cluster_bytes() * (header.cluster_bytes() / entry_bytes);  // at most 2^39
    if (header.virtual_bytes > kL1BytesMax / 8 * per_l1)
        return corrupt(source, "size " + std::to_string(header.virtual_bytes) + " is out of range");
    const std::uint64_t needed = header.virtual_bytes / per_l1 + (header.virtual_bytes % per_l1 != 0 ? 1 : 0);
    if (header.l1_entries > kL1BytesMax / 8) return corrupt(source, "l1_size is out of range");
    if (header.l1_entries < needed) return corrupt(source, "l1_size is too small for the image's size");
    if (header.l1_entries != 0)
        STASIS_CHECK(check_table(source, header, {header.l1_offset, header.l1_entries * std::uint64_t{8}, "the L1 table"}));
    if (header.refcount_order > 6) return corrupt(source, "refcount_order is out of range");
    if (header.refcount_clusters == 0) return corrupt(source, "refcount_table_clusters is 0");
    if (header.refcount_clusters > kRefcountTableBytesMax >> header.cluster_bits)
        return corrupt(source, "refcount_table_clusters is out of range");
    return check_table(source, header, {header.refcount_offset,
                                        header.refcount_clusters * header.cluster_bytes(), "the refcount table"});
}

Result<void> check_references(const Source& source, const Header& header) {
    if (header.snapshots > kSnapshotsMax)
        return corrupt(source, "nb_snapshots " + std::to_string(header.snapshots) + " is out of range");
    if (header.backing_offset == 0) return {};
    if (header.backing_bytes > kBackingNameBytesMax) return corrupt(source, "backing_file_size is out of range");
    if (header.backing_offset < header.header_bytes || header.backing_offset > header.cluster_bytes() ||
        header.backing_bytes > header.cluster_bytes() - header.backing_offset)
        return corrupt(source, "backing_file_offset is out of range");
    return {};
}

constexpr std::uint32_t kExtensionEnd = 0;
constexpr std::uint32_t kExtensionBackingFormat = 0xe2792aca;
constexpr std::uint32_t kExtensionDataFile = 0x44415441;
constexpr std::uint32_t kExtensionBitmaps = 0x23852875;

Result<BitmapExtension> parse_bitmap_extension(const Source& source, const Header& header, std::span<const std::byte> data) {
    if (data.size() != 24) return corrupt(source, "the bitmaps extension has a wrong length");
    BitmapExtension extension{.count = load_big<std::uint32_t>(data, 0),
                              .directory_bytes = load_big<std::uint64_t>(data, 8),
                              .directory_offset = load_big<std::uint64_t>(data, 16)};
    if (extension.count == 0 || extension.count > kBitmapsMax) return corrupt(source, "nb_bitmaps is out of range");
    if (extension.directory_bytes > kBitmapDirectoryBytesMax)
        return corrupt(source, "bitmap_directory_size is out of range");
    STASIS_CHECK(check_table(source, header, {extension.directory_offset, extension.directory_bytes, "the bitmap directory"}));
    return extension;
}

Result<void> take_extension(const Source& source, const Header& header, std::uint32_t type,
                            std::span<const std::byte> data, Extensions& into) {
    const std::string text(reinterpret_cast<const char*>(data.data()), data.size());
    switch (type) {
        case kExtensionBackingFormat:
            if (text.size() > 15 || text.contains('\0')) return corrupt(source, "the backing format extension is malformed");
            into.backing_format = text;
            return {};
        case kExtensionDataFile:
            if (text.size() > kBackingNameBytesMax || text.contains('\0'))
                return corrupt(source, "the external data file extension is malformed");
            into.data_file = text;
            return {};
        case kExtensionBitmaps: {
            // Without its autoclear bit the extension is stale: an old QEMU wrote to the image.
            if ((header.autoclear & kAutoclearBitmaps) == 0) return {};
            if (into.bitmaps) return corrupt(source, "two bitmaps extensions");
            STASIS_TRY(into.bitmaps, parse_bitmap_extension(source, header, data));
            return {};
        }
        default: return {};  // feature names, encryption pointer (refused by crypt_method), and what may come
    }
}

}  // namespace

Result<Header> read_header(const Source& source) {
    STASIS_TRY(const bool is_qcow2, has_magic(source));
    if (!is_qcow2)
        return fail(ErrorKind::invalid, "read the qcow2 image", source.subject, "it does not begin as a qcow2 image does",
                    "state the format that the image has");
    STASIS_TRY(Header header, parse_fixed(source));
    if (header.version != 2 && header.version != 3)
        return unsupported(source, "version " + std::to_string(header.version) + " is neither 2 nor 3");
    if (header.cluster_bits < kClusterBitsMin || header.cluster_bits > kClusterBitsMax)
        return corrupt(source, "cluster_bits " + std::to_string(header.cluster_bits) + " is out of range");
    if (header.version == 3) STASIS_CHECK(parse_v3(source, header));
    STASIS_CHECK(check_features(source, header));
    STASIS_CHECK(check_geometry(source, header));
    STASIS_CHECK(check_references(source, header));
    return header;
}

Result<Extensions> read_extensions(const Source& source, const Header& header) {
    const std::uint64_t end = header.backing_offset != 0 ? header.backing_offset : header.cluster_bytes();
    Extensions extensions;
    std::uint64_t at = header.header_bytes;
    for (std::uint32_t count = 0; at + 8 <= end; ++count) {
        if (count == kExtensionsMax) return corrupt(source, "more than 64 header extensions");
        STASIS_TRY(const auto head, read_exact(source, at, 8, "a header extension"));
        const auto type = load_big<std::uint32_t>(head, 0);
        const auto bytes = load_big<std::uint32_t>(head, 4);
        if (type == kExtensionEnd) break;
        at += 8;
        if (bytes > end - at) return corrupt(source, "a header extension is longer than the header");
        STASIS_TRY(const auto data, read_exact(source, at, bytes, "a header extension"));
        STASIS_CHECK(take_extension(source, header, type, data, extensions));
        at += (std::uint64_t{bytes} + 7) & ~std::uint64_t{7};
    }
    return extensions;
}

Result<std::string> read_backing_name(const Source& source, const Header& header) {
    if (header.backing_offset == 0 || header.backing_bytes == 0) return std::string();
    STASIS_TRY(const auto bytes, read_exact(source, header.backing_offset, header.backing_bytes, "the backing file name"));
    std::string name(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (name.contains('\0')) return corrupt(source, "the backing file name holds a zero byte");
    return name;
}

Result<void> check_table(const Source& source, const Header& header, const Extent& table) {
    if (table.offset % header.cluster_bytes() != 0) return corrupt(source, table.what + " is not aligned to a cluster");
    if (table.offset < header.cluster_bytes()) return corrupt(source, table.what + " lies on the header");
    if (table.offset > kOffsetMax || table.offset > source.size_bytes || table.bytes > source.size_bytes - table.offset)
        return corrupt(source, table.what + " reaches past the end of the file");
    return {};
}

Result<void> check_overlap(const Source& source, std::vector<Extent> tables) {
    std::ranges::sort(tables, {}, &Extent::offset);
    for (std::size_t i = 1; i < tables.size(); ++i)
        if (tables[i - 1].bytes > tables[i].offset - tables[i - 1].offset)
            return corrupt(source, tables[i].what + " overlaps " + tables[i - 1].what);
    return {};
}

}  // namespace stasis::codec::qcow2
