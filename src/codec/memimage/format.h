// The bytes of a memory image as docs/formats/memory-image.md lays them down: records, numbers and limits. Records
// are copied from and to the file as they are. Values; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/endian.h"

namespace stasis::codec::memimage {

inline constexpr std::string_view kHeaderMagic = "STASISMI";
inline constexpr std::string_view kFooterMagic = "STASISMF";
inline constexpr std::uint32_t kVersion = 1;

inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kChunkPages = 64;
inline constexpr std::size_t kChunkBytes = kPageBytes * kChunkPages;
inline constexpr std::size_t kGroupPages = 512;

// Limits, checked before anything of that size is allocated.
inline constexpr std::uint64_t kGuestBytesMax = 16ull << 40;
inline constexpr std::size_t kBlocksMax = 1024;
inline constexpr std::size_t kBlockNameBytesMax = 255;
inline constexpr std::uint64_t kGroupsMax = (1ull << 23) - 1;   ///< so that a page's number fits 32 bits
inline constexpr std::uint64_t kChunksMax = (1ull << 26) - 1;   ///< so that an index entry fits 32 bits
inline constexpr std::uint64_t kConfigurationBytesMax = 64u << 10;
inline constexpr std::uint64_t kRamSetupBytesMax = 512u << 10;
inline constexpr std::uint64_t kDeviceStateBytesMax = 64u << 20;

enum class Codec : std::uint8_t { raw = 0, lz4 = 1, zstd = 2 };

struct Header {
    std::array<char, 8> magic{};
    Little32 version, header_bytes, page_bytes, chunk_pages, compression;
    std::array<std::byte, 4060> reserved{};
    Little64 checksum;
};
static_assert(sizeof(Header) == 4096 && alignof(Header) == 1);

struct BlockEntry {
    Little64 bytes, first_group;
    std::uint8_t name_bytes = 0;
    std::array<char, kBlockNameBytesMax> name{};
};
static_assert(sizeof(BlockEntry) == 272 && alignof(BlockEntry) == 1);

struct GroupEntry {
    Little64 checksum;
    Little32 ordinal;   ///< 0: all pages are zero
    Little32 reserved;
};
static_assert(sizeof(GroupEntry) == 16 && alignof(GroupEntry) == 1);

/// 0: a page of zeros; otherwise 1 + kChunkPages * chunk + slot.
using PageGroup = std::array<Little32, kGroupPages>;
static_assert(sizeof(PageGroup) == 2048);

struct ChunkEntry {
    Little64 offset;
    Little32 stored_bytes;
    std::uint8_t codec = 0;
    std::uint8_t pages = 0;
    Little16 reserved;
    Little64 checksum;
};
static_assert(sizeof(ChunkEntry) == 24 && alignof(ChunkEntry) == 1);

/// In file order.
enum Section : std::size_t { kConfiguration, kRamSetup, kDeviceState, kBlocks, kGroups, kIndex, kChunks, kSectionCount };

struct SectionEntry {
    Little64 offset, bytes, checksum;
};

struct Footer {
    std::array<char, 8> magic{};
    Little32 version, footer_bytes;
    Little64 file_bytes, header_checksum, guest_bytes, stored_pages;
    std::array<SectionEntry, kSectionCount> sections{};
    std::array<std::byte, 32> reserved{};
    Little64 checksum;
};
static_assert(sizeof(Footer) == 256 && alignof(Footer) == 1);

/// A block of guest memory.
struct Block {
    std::string name;
    std::uint64_t bytes = 0;
    std::uint64_t first_group = 0;
    bool operator==(const Block&) const = default;
};

/// Groups that a block of `bytes` takes.
[[nodiscard]] constexpr std::uint64_t group_count(std::uint64_t bytes) {
    return bytes / (kPageBytes * kGroupPages) + (bytes % (kPageBytes * kGroupPages) != 0 ? 1 : 0);
}

/// Where a stored page lies.
struct Slot {
    std::uint32_t chunk = 0;
    std::uint32_t slot = 0;
    bool operator==(const Slot&) const = default;
    [[nodiscard]] constexpr std::uint32_t to_entry() const {
        return 1 + static_cast<std::uint32_t>(kChunkPages) * chunk + slot;
    }
    /// `entry` is not 0.
    [[nodiscard]] static constexpr Slot from_entry(std::uint32_t entry) {
        return {static_cast<std::uint32_t>((entry - 1) / kChunkPages), static_cast<std::uint32_t>((entry - 1) % kChunkPages)};
    }
};
static_assert(kChunksMax * kChunkPages <= std::numeric_limits<std::uint32_t>::max());

}  // namespace stasis::codec::memimage
