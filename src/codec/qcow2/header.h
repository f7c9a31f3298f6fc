// The fixed part of a qcow2 header and its extensions, checked. Internal to codec/qcow2. Pure; any thread.
#pragma once

#include <optional>
#include <vector>

#include "codec/qcow2/reader.h"

namespace stasis::codec::qcow2 {

inline constexpr std::uint64_t kIncompatibleDirty = 1u << 0;
inline constexpr std::uint64_t kIncompatibleCorrupt = 1u << 1;
inline constexpr std::uint64_t kIncompatibleDataFile = 1u << 2;
inline constexpr std::uint64_t kIncompatibleCompression = 1u << 3;
inline constexpr std::uint64_t kIncompatibleExtendedL2 = 1u << 4;
inline constexpr std::uint64_t kIncompatibleKnown = (1u << 5) - 1;
inline constexpr std::uint64_t kAutoclearBitmaps = 1u << 0;

struct Header {
    std::uint32_t version = 0;
    std::uint64_t backing_offset = 0;
    std::uint32_t backing_bytes = 0;
    std::uint32_t cluster_bits = 0;
    std::uint64_t virtual_bytes = 0;
    std::uint32_t crypt_method = 0;
    std::uint32_t l1_entries = 0;
    std::uint64_t l1_offset = 0;
    std::uint64_t refcount_offset = 0;
    std::uint32_t refcount_clusters = 0;
    std::uint32_t snapshots = 0;
    std::uint64_t snapshots_offset = 0;
    std::uint64_t incompatible = 0;
    std::uint64_t autoclear = 0;
    std::uint32_t refcount_order = 4;
    std::uint32_t header_bytes = 72;
    std::uint8_t compression = 0;
    [[nodiscard]] std::uint64_t cluster_bytes() const { return std::uint64_t{1} << cluster_bits; }
};

struct BitmapExtension {
    std::uint32_t count = 0;
    std::uint64_t directory_bytes = 0;
    std::uint64_t directory_offset = 0;
};

struct Extensions {
    std::string backing_format;
    std::string data_file;
    std::optional<BitmapExtension> bitmaps;
};

/// Reads and checks everything but the tables' content. `tables` receives the extents of the tables, for an
/// overlap check.
Result<Header> read_header(const Source& source);
Result<Extensions> read_extensions(const Source& source, const Header& header);
Result<std::string> read_backing_name(const Source& source, const Header& header);

/// A table must begin on a cluster boundary behind the header cluster and end within the file.
Result<void> check_table(const Source& source, const Header& header, const Extent& table);
/// No two tables share a byte.
Result<void> check_overlap(const Source& source, std::vector<Extent> tables);

}  // namespace stasis::codec::qcow2
