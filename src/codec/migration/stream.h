// What is common to reading and writing QEMU's migration stream: its section types, record flags, limits, and the
// part that comes before the pages. Rules come from QEMU's migration/savevm.c and migration/ram.c (stream version 3,
// RAM section version 4). Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stasis::codec::migration {

inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::uint64_t kGuestBytesMax = 16ull << 40;       ///< all blocks together
inline constexpr std::size_t kBlocksMax = 1024;
inline constexpr std::size_t kConfigurationBytesMax = 64u << 10;
inline constexpr std::size_t kRamSetupBytesMax = 512u << 10;
inline constexpr std::size_t kDeviceStateBytesMax = 64u << 20;
inline constexpr std::size_t kMachineNameBytesMax = 256;

inline constexpr std::uint32_t kStreamMagic = 0x5145564d;          ///< "QEVM"
inline constexpr std::uint32_t kStreamVersion = 3;
inline constexpr std::uint32_t kRamSectionVersion = 4;

enum SectionType : std::uint8_t {
    kEndOfStream = 0x00,
    kSectionStart = 0x01,
    kSectionPart = 0x02,
    kSectionEnd = 0x03,
    kSectionFull = 0x04,
    kSubsection = 0x05,
    kDescription = 0x06,
    kConfiguration = 0x07,
    kCommand = 0x08,
    kSectionFooter = 0x7e,
};

/// Low bits of a RAM record's first word; the rest is the offset in the block.
enum RecordFlag : std::uint64_t {
    kFlagZero = 0x02,
    kFlagMemSize = 0x04,
    kFlagPage = 0x08,
    kFlagEndOfSection = 0x10,
    kFlagContinue = 0x20,  ///< same block as the record before
    kFlagMask = kPageBytes - 1,
};

struct RamBlock {
    std::string name;
    std::uint64_t bytes = 0;  ///< a multiple of kPageBytes
    bool operator==(const RamBlock&) const = default;
};

/// Everything before the first page.
struct StreamHead {
    std::vector<std::byte> configuration;  ///< verbatim, from the magic to the end of the configuration section
    std::vector<std::byte> ram_setup;      ///< verbatim, the RAM start section with its footer
    std::string machine;                   ///< "pc-q35-7.2"; empty when the stream has no configuration section
    std::vector<RamBlock> blocks;
    std::uint64_t guest_bytes = 0;         ///< sum of all blocks
    std::uint32_t ram_section = 0;         ///< section id
    bool footers = false;                  ///< whether sections end with a footer (machine types older than 2.4: no)
};

}  // namespace stasis::codec::migration
