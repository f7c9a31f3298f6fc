// What a qcow2 file says of itself: header, header extensions, snapshot table, bitmap directory. Read through a
// callback, never by QEMU, because the file may have been written by a hostile guest. Pure; any thread.
// Rule: QEMU's docs/interop/qcow2.txt. Every size and offset is checked before anything is allocated or read.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace stasis::codec::qcow2 {

inline constexpr std::uint32_t kMagic = 0x514649fb;                  ///< "QFI\xfb"
inline constexpr std::uint32_t kClusterBitsMin = 9;
inline constexpr std::uint32_t kClusterBitsMax = 21;
inline constexpr std::uint64_t kL1BytesMax = 32u << 20;              ///< QEMU's own limits, from here
inline constexpr std::uint64_t kRefcountTableBytesMax = 8u << 20;
inline constexpr std::uint32_t kSnapshotsMax = 65'536;
inline constexpr std::uint32_t kSnapshotExtraBytesMax = 1'024;
inline constexpr std::uint32_t kBitmapsMax = 65'535;
inline constexpr std::uint32_t kBackingNameBytesMax = 1'023;         ///< to here
inline constexpr std::uint64_t kSnapshotTableBytesMax = 16u << 20;   ///< ours: 256 bytes for each of 65,536 snapshots
inline constexpr std::uint64_t kBitmapDirectoryBytesMax = 16u << 20;
inline constexpr std::uint32_t kExtensionsMax = 64;                  ///< header extensions

/// Where the bytes are. `read_at` fills the buffer from `offset`; fewer bytes only at the end of the file.
struct Source {
    std::function<Result<std::size_t>(std::uint64_t offset, std::span<std::byte> buffer)> read_at;
    std::uint64_t size_bytes = 0;
    std::string subject;  ///< for messages: the path
};

struct Snapshot {
    std::string id;
    std::string name;
    std::uint64_t vm_state_bytes = 0;
    std::uint64_t virtual_bytes = 0;
    std::int64_t created_seconds = 0;  ///< since the epoch
    bool operator==(const Snapshot&) const = default;
};

struct Bitmap {
    std::string name;
    std::uint64_t granularity_bytes = 0;
    bool in_use = false;               ///< not closed properly: its content can't be trusted
    bool enabled = false;              ///< records writes
    bool operator==(const Bitmap&) const = default;
};

struct Image {
    std::uint32_t version = 0;         ///< 2 or 3
    std::uint32_t cluster_bits = 0;
    std::uint64_t virtual_bytes = 0;
    std::string backing_path;          ///< as written; empty: none
    std::string backing_format;        ///< empty: not stated
    bool has_external_data_file = false;
    std::string data_file;             ///< as written; empty: not stated
    bool dirty = false;                ///< refcounts may be stale
    bool marked_corrupt = false;
    bool extended_l2 = false;
    bool zstd = false;
    std::vector<Snapshot> snapshots;
    std::vector<Bitmap> bitmaps;
    bool operator==(const Image&) const = default;
};

/// Whether the file begins with qcow2's magic.
Result<bool> has_magic(const Source& source);

/// invalid: no qcow2 magic. corrupt: a field out of range, named. unsupported: version, encryption or a feature
/// that we do not know, named.
Result<Image> read_image(const Source& source);

}  // namespace stasis::codec::qcow2
