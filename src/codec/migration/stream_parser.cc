// The driver of the parser and its page states; what comes before the pages is in stream_parser_head.cc.
#include "codec/migration/stream_parser.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "base/endian.h"

namespace stasis::codec::migration {

namespace {

// Longest item that a state waits for: a page with its header and block name. Shorter ones fit as well.
constexpr std::size_t kItemBytesMax = 8 + 1 + 255 + kPageBytes;

constexpr std::uint64_t kFlagsRead = kFlagZero | kFlagPage | kFlagContinue;

std::string flag_name(std::uint64_t flag) {
    switch (flag) {
        case 0x01: return "FULL (0x1)";
        case kFlagMemSize: return "MEM_SIZE (0x4)";
        case kFlagEndOfSection: return "EOS (0x10)";
        case 0x40: return "XBZRLE (0x40)";
        case 0x80: return "HOOK (0x80)";
        case 0x100: return "COMPRESS_PAGE (0x100)";
        case 0x200: return "MULTIFD_FLUSH (0x200)";
        default: return fmt::format("{:#x}", flag);
    }
}

}  // namespace

StreamParser::StreamParser(StreamSink& sink, bool description_optional)
    : sink_(sink),
      verbatim_(&head_.configuration),
      verbatim_max_(kConfigurationBytesMax),
      description_optional_(description_optional) {
    carry_.reserve(kItemBytesMax);
}

std::unexpected<Error> StreamParser::broken(std::string why) const {
    return fail(ErrorKind::corrupt, "read the migration stream", fmt::format("byte {}", position_), std::move(why));
}

std::unexpected<Error> StreamParser::not_read(std::string what) const {
    return fail(ErrorKind::unsupported, "read the migration stream", fmt::format("byte {}", position_),
                fmt::format("it uses {}, which is not supported", what), "switch that migration feature off in the guest's QEMU");
}

Result<void> StreamParser::push(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        if (!carry_.empty()) {
            STASIS_CHECK(push_carried(bytes));
            continue;
        }
        STASIS_TRY(const std::size_t taken, run(bytes));
        bytes = bytes.subspan(taken);
        if (bytes.size() >= kItemBytesMax) return broken("an item is longer than any may be");  // not reached: states bound their items
        carry_.assign(bytes.begin(), bytes.end());
        break;
    }
    return {};
}

// Completes the item whose front is carried with as little of `bytes` as it takes, and drops that from `bytes`.
Result<void> StreamParser::push_carried(Input& bytes) {
    const std::size_t carried = carry_.size();
    const std::size_t added = std::min(bytes.size(), kItemBytesMax - carried);
    carry_.insert(carry_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(added));
    STASIS_TRY(const std::size_t taken, run(carry_));
    if (taken > carried) {  // everything carried is done; go on in place
        bytes = bytes.subspan(taken - carried);
        carry_.clear();
        return {};
    }
    bytes = bytes.subspan(added);
    carry_.erase(carry_.begin(), carry_.begin() + static_cast<std::ptrdiff_t>(taken));
    if (carry_.size() >= kItemBytesMax) return broken("an item is longer than any may be");
    return {};
}

// Runs states until one needs more than there is; returns what was taken.
Result<std::size_t> StreamParser::run(Input in) {
    std::size_t total = 0;
    while (total < in.size()) {
        const Input rest = in.subspan(total);
        auto* const target = verbatim_;
        const std::size_t target_max = verbatim_max_;
        STASIS_TRY(const std::size_t taken, (this->*state_)(rest));
        if (taken == kMore) break;
        if (target != nullptr && taken != 0) {
            if (taken > target_max - target->size()) return broken(fmt::format("a part is longer than {} bytes", target_max));
            target->insert(target->end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(taken));
        }
        total += taken;
        position_ += taken;
        if (state_ == &StreamParser::section && !head_delivered_) STASIS_CHECK(deliver_head());
    }
    return total;
}

Result<void> StreamParser::deliver_head() {
    head_delivered_ = true;
    verbatim_ = nullptr;
    return sink_.head(head_);
}

Result<void> StreamParser::finish() const {
    if (state_ != &StreamParser::device)
        return broken(head_delivered_ ? "it ends before all of memory has come" : "it ends before memory begins");
    auto tail = check_device_tail(device_state_, {.footers = head_.footers, .description_optional = description_optional_});
    if (!tail) return broken(tail.error().why);
    return {};
}

StreamParser::Taken StreamParser::section(Input in) {
    if (!armed_) {
        armed_ = true;
        sink_.armed();
    }
    switch (std::to_integer<std::uint8_t>(in[0])) {
        case kSectionPart:
        case kSectionEnd:
            if (ram_ended_) return broken("memory goes on after its end section");
            state_ = &StreamParser::part_header;
            return 0;
        case kSectionFull:
            state_ = &StreamParser::device;
            verbatim_ = &device_state_;
            verbatim_max_ = kDeviceStateBytesMax;
            return 0;
        case kSectionStart: return not_read("a second section that is sent in parts, beside memory");
        case kCommand: return not_read("migration commands (postcopy or a return path)");
        case kEndOfStream: return broken("it ends without device state");
        default: return broken(fmt::format("{:#04x} is no section type", std::to_integer<unsigned>(in[0])));
    }
}

StreamParser::Taken StreamParser::part_header(Input in) {
    if (in.size() < 5) return kMore;
    if (load_big<std::uint32_t>(in, 1) != head_.ram_section) return broken("a part belongs to a section that was not begun");
    ram_ended_ = std::to_integer<std::uint8_t>(in[0]) == kSectionEnd;
    state_ = &StreamParser::record;
    return 5;
}

StreamParser::Taken StreamParser::record(Input in) {
    if (in.size() < 8) return kMore;
    const auto word = load_big<std::uint64_t>(in);
    const std::uint64_t flags = word & kFlagMask;
    if (flags == kFlagEndOfSection) {
        if (word != flags) return broken("the end of a memory section carries an offset");
        state_ = &StreamParser::part_footer;
        return 8;
    }
    if (const std::uint64_t unknown = flags & ~kFlagsRead; unknown != 0)
        return not_read(fmt::format("the memory record flag {}", flag_name(unknown & -unknown)));
    if (((flags & kFlagPage) != 0) == ((flags & kFlagZero) != 0)) return broken("a memory record is neither page nor zero");

    std::size_t header = 8;
    if ((flags & kFlagContinue) == 0) {
        if (in.size() < 9) return kMore;
        const auto name_bytes = std::to_integer<std::size_t>(in[8]);
        header += 1 + name_bytes;
        if (in.size() < header) return kMore;
        STASIS_CHECK(find_block(in.subspan(9, name_bytes)));
    } else if (!has_block_) {
        return broken("the first memory record names no block");
    }
    const std::uint64_t offset = word - flags;
    if (offset >= head_.blocks[block_].bytes)
        return broken(fmt::format("page {:#x} is outside block '{}'", offset, head_.blocks[block_].name));
    const std::size_t payload = (flags & kFlagPage) != 0 ? kPageBytes : 1;
    if (in.size() < header + payload) return kMore;
    STASIS_CHECK(deliver(flags, offset / kPageBytes, in.subspan(header, payload)));
    return header + payload;
}

Result<void> StreamParser::find_block(std::span<const std::byte> name) {
    const std::string_view text(reinterpret_cast<const char*>(name.data()), name.size());
    const auto found = std::ranges::find(head_.blocks, text, &RamBlock::name);
    if (found == head_.blocks.end()) return broken("a memory record names a block that is not in the block list");
    block_ = static_cast<std::uint32_t>(found - head_.blocks.begin());
    has_block_ = true;
    return {};
}

Result<void> StreamParser::deliver(std::uint64_t flags, std::uint64_t page, Input payload) {
    if ((flags & kFlagPage) != 0) return sink_.page(block_, page, payload.first<kPageBytes>());
    if (payload[0] == std::byte{0}) return sink_.zero_page(block_, page);
    std::array<std::byte, kPageBytes> filled;  // a ZERO record may carry any fill byte; QEMU itself sends 0 only
    filled.fill(payload[0]);
    return sink_.page(block_, page, filled);
}

StreamParser::Taken StreamParser::check_footer(Input in) {
    if (in.size() < 5) return kMore;
    if (load_big<std::uint32_t>(in, 1) != head_.ram_section) return broken("a section's footer names another section");
    return 5;
}

StreamParser::Taken StreamParser::part_footer(Input in) {
    if (!head_.footers) {
        state_ = &StreamParser::section;
        return 0;
    }
    if (std::to_integer<std::uint8_t>(in[0]) != kSectionFooter) return broken("a memory section has no footer");
    STASIS_TRY(const std::size_t taken, check_footer(in));
    if (taken != kMore) state_ = &StreamParser::section;
    return taken;
}

StreamParser::Taken StreamParser::device(Input in) { return in.size(); }

}  // namespace stasis::codec::migration
