// The parser's states before the first page: magic, configuration and RAM set-up.
#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/endian.h"
#include "codec/migration/stream_parser.h"

namespace stasis::codec::migration {

namespace {

constexpr std::uint32_t kCapabilitiesMax = 256;
constexpr std::uint32_t kTargetPageBits = 12;

std::uint8_t first(std::span<const std::byte> in) { return std::to_integer<std::uint8_t>(in[0]); }

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Names from a stream end up in messages: only plain ones.
bool is_plain(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

StreamParser::Taken StreamParser::magic(Input in) {
    if (in.size() < 8) return kMore;
    if (load_big<std::uint32_t>(in) != kStreamMagic) return broken("it does not begin with QEMU's magic");
    if (const auto version = load_big<std::uint32_t>(in, 4); version != kStreamVersion)
        return not_read(fmt::format("stream version {}", version));
    state_ = &StreamParser::before_ram;
    return 8;
}

StreamParser::Taken StreamParser::before_ram(Input in) {
    switch (first(in)) {
        case kConfiguration:
            if (!head_.machine.empty()) return broken("it has two configuration sections");
            state_ = &StreamParser::configuration_section;
            return 0;
        case kSubsection:
            if (head_.machine.empty()) return broken("a subsection stands outside the configuration section");
            state_ = &StreamParser::configuration_subsection;
            return 0;
        case kSectionStart:
            verbatim_ = &head_.ram_setup;
            verbatim_max_ = kRamSetupBytesMax;
            state_ = &StreamParser::ram_start;
            return 0;
        case kSectionFull: return not_read("device state ahead of memory");
        case kCommand: return not_read("migration commands (postcopy or a return path)");
        default: return broken(fmt::format("{:#04x} is no section that can begin a stream", first(in)));
    }
}

StreamParser::Taken StreamParser::configuration_section(Input in) {
    if (in.size() < 5) return kMore;
    const auto length = load_big<std::uint32_t>(in, 1);
    if (length == 0 || length > kMachineNameBytesMax) return broken("the machine name has an impossible length");
    if (in.size() < 5 + length) return kMore;
    head_.machine = text_of(in.subspan(5, length));
    if (!is_plain(head_.machine)) return broken("the machine name is not plain text");
    state_ = &StreamParser::before_ram;
    return 5 + length;
}

// 05, u8 length, name, be32 version; what follows depends on the name.
StreamParser::Taken StreamParser::configuration_subsection(Input in) {
    if (in.size() < 2) return kMore;
    const auto length = std::to_integer<std::size_t>(in[1]);
    const std::size_t header = 2 + length + 4;
    if (in.size() < header) return kMore;
    const std::string name = text_of(in.subspan(2, length));
    if (name == "configuration/capabilities") {
        state_ = &StreamParser::capability_count;
        return header;
    }
    std::size_t payload = 0;
    if (name == "configuration/uuid") payload = 16;
    if (name == "configuration/target-page-bits") payload = 4;
    if (payload == 0)
        return is_plain(name) ? Taken(not_read(fmt::format("the configuration '{}'", name)))
                              : broken("a subsection's name is not plain text");
    if (in.size() < header + payload) return kMore;
    if (payload == 4 && load_big<std::uint32_t>(in, header) != kTargetPageBits) return not_read("guest pages of other than 4096 bytes");
    state_ = &StreamParser::before_ram;
    return header + payload;
}

StreamParser::Taken StreamParser::capability_count(Input in) {
    if (in.size() < 4) return kMore;
    capabilities_left_ = load_big<std::uint32_t>(in);
    if (capabilities_left_ > kCapabilitiesMax) return broken("it claims too many migration capabilities");
    state_ = capabilities_left_ == 0 ? &StreamParser::before_ram : &StreamParser::capability;
    return 4;
}

StreamParser::Taken StreamParser::capability(Input in) {
    const std::size_t length = 1 + std::to_integer<std::size_t>(in[0]);
    if (in.size() < length) return kMore;
    if (--capabilities_left_ == 0) state_ = &StreamParser::before_ram;
    return length;
}

// 01, be32 section id, u8 length, name, be32 instance, be32 version.
StreamParser::Taken StreamParser::ram_start(Input in) {
    if (in.size() < 6) return kMore;
    const auto length = std::to_integer<std::size_t>(in[5]);
    if (in.size() < 6 + length + 8) return kMore;
    const std::string name = text_of(in.subspan(6, length));
    if (name != "ram")
        return is_plain(name) ? Taken(not_read(fmt::format("the section '{}', sent in parts like memory", name)))
                              : broken("a section's name is not plain text");
    if (load_big<std::uint32_t>(in, 6 + length) != 0) return broken("memory is not instance 0");
    if (const auto version = load_big<std::uint32_t>(in, 6 + length + 4); version != kRamSectionVersion)
        return not_read(fmt::format("memory section version {}", version));
    head_.ram_section = load_big<std::uint32_t>(in, 1);
    state_ = &StreamParser::ram_total;
    return 6 + length + 8;
}

StreamParser::Taken StreamParser::ram_total(Input in) {
    if (in.size() < 8) return kMore;
    const auto word = load_big<std::uint64_t>(in);
    if ((word & kFlagMask) != kFlagMemSize) return broken("memory does not begin with its size");
    head_.guest_bytes = word - kFlagMemSize;
    if (head_.guest_bytes == 0) return broken("the guest has no memory");
    if (head_.guest_bytes > kGuestBytesMax) return broken(fmt::format("it claims {} bytes of memory", head_.guest_bytes));
    state_ = &StreamParser::ram_block;
    return 8;
}

// u8 length, name, be64 bytes; the list ends when the total is reached.
StreamParser::Taken StreamParser::ram_block(Input in) {
    const auto length = std::to_integer<std::size_t>(in[0]);
    if (in.size() < 1 + length + 8) return kMore;
    RamBlock block{text_of(in.subspan(1, length)), load_big<std::uint64_t>(in, 1 + length)};
    if (!is_plain(block.name)) return broken("a block's name is not plain text (does the list hold page sizes or addresses?)");
    if (block.bytes % kPageBytes != 0) return broken(fmt::format("block '{}' is not a whole number of pages", block.name));
    if (block.bytes > head_.guest_bytes - listed_bytes_) return broken("the blocks are larger than the total");
    if (head_.blocks.size() == kBlocksMax) return broken(fmt::format("it has more than {} blocks", kBlocksMax));
    if (std::ranges::find(head_.blocks, block.name, &RamBlock::name) != head_.blocks.end())
        return broken(fmt::format("block '{}' is listed twice", block.name));
    listed_bytes_ += block.bytes;
    head_.blocks.push_back(std::move(block));
    if (listed_bytes_ == head_.guest_bytes) state_ = &StreamParser::ram_setup_end;
    return 1 + length + 8;
}

StreamParser::Taken StreamParser::ram_setup_end(Input in) {
    if (in.size() < 8) return kMore;
    if (load_big<std::uint64_t>(in) != kFlagEndOfSection)
        return not_read("more in the memory set-up than a list of blocks (huge pages, shared memory or multifd)");
    state_ = &StreamParser::ram_setup_footer;
    return 8;
}

StreamParser::Taken StreamParser::ram_setup_footer(Input in) {
    if (first(in) != kSectionFooter) {
        state_ = &StreamParser::section;
        return 0;
    }
    STASIS_TRY(const std::size_t taken, check_footer(in));
    if (taken == kMore) return kMore;
    head_.footers = true;
    state_ = &StreamParser::section;
    return taken;
}

}  // namespace stasis::codec::migration
