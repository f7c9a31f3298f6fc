#include "codec/memimage/layout.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "codec/memimage/checksum.h"

namespace stasis::codec::memimage {

namespace {

template <class T>
Result<T> read_record(ByteSource& source, std::uint64_t offset) {
    T record;
    STASIS_CHECK(source.read(offset, std::as_writable_bytes(std::span(&record, 1))));
    return record;
}

template <class T>
bool checksum_holds(const T& record) {
    return checksum_of(std::as_bytes(std::span(&record, 1)).first(offsetof(T, checksum))) == record.checksum;
}

bool all_zero(std::span<const std::byte> bytes) {
    return bytes.empty() || (bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

bool is(const std::array<char, 8>& magic, std::string_view text) {
    return std::string_view(magic.data(), magic.size()) == text;
}

Result<void> check_version(const std::string& subject, std::uint32_t version) {
    if (version == kVersion) return {};
    return fail(ErrorKind::unsupported, "read the memory image", subject, fmt::format("it has format version {}, not {}", version, kVersion),
                "use the version of stasis that wrote it");
}

Result<Header> read_header(ByteSource& source, const std::string& subject) {
    STASIS_TRY(const auto header, read_record<Header>(source, 0));
    if (!is(header.magic, kHeaderMagic)) return damaged(subject, "it does not begin as a memory image does");
    STASIS_CHECK(check_version(subject, header.version));
    if (!checksum_holds(header)) return damaged(subject, "its header fails its checksum");
    if (header.header_bytes != sizeof(Header) || header.page_bytes != kPageBytes || header.chunk_pages != kChunkPages ||
        header.compression > static_cast<std::uint32_t>(Codec::zstd) || !all_zero(header.reserved))
        return damaged(subject, "its header holds impossible values");
    return header;
}

Result<Footer> read_footer(ByteSource& source, const std::string& subject, const Header& header, std::uint64_t size) {
    STASIS_TRY(const auto footer, read_record<Footer>(source, size - sizeof(Footer)));
    if (!is(footer.magic, kFooterMagic)) return damaged(subject, "it has no footer: it was cut short or never finished");
    STASIS_CHECK(check_version(subject, footer.version));
    if (!checksum_holds(footer)) return damaged(subject, "its footer fails its checksum");
    if (footer.file_bytes != size)
        return damaged(subject, fmt::format("it is {} bytes long and should be {}", size, footer.file_bytes.value()));
    if (footer.footer_bytes != sizeof(Footer) || footer.header_checksum != header.checksum || !all_zero(footer.reserved))
        return damaged(subject, "its footer holds impossible values");
    return footer;
}

struct SectionRule {
    std::uint64_t unit;
    std::uint64_t bytes_max;
};
constexpr std::array<SectionRule, kSectionCount> kSectionRules = {{
    {1, kConfigurationBytesMax},
    {1, kRamSetupBytesMax},
    {1, kDeviceStateBytesMax},
    {sizeof(BlockEntry), sizeof(BlockEntry) * kBlocksMax},
    {sizeof(GroupEntry), sizeof(GroupEntry) * kGroupsMax},
    {sizeof(PageGroup), sizeof(PageGroup) * kGroupsMax},
    {sizeof(ChunkEntry), sizeof(ChunkEntry) * kChunksMax},
}};

// Sections lie between the chunks and the footer, one directly after the other.
Result<void> check_sections(const Footer& footer, const std::string& subject) {
    const std::uint64_t end = footer.file_bytes - sizeof(Footer);
    std::uint64_t position = footer.sections[kConfiguration].offset;
    if (position < sizeof(Header) || position > end) return damaged(subject, "its sections lie outside the file");
    for (std::size_t i = 0; i < kSectionCount; ++i) {
        const auto& section = footer.sections[i];
        if (section.offset != position || section.bytes > end - position)
            return damaged(subject, fmt::format("section {} overlaps another or lies outside the file", i + 1));
        if (section.bytes % kSectionRules[i].unit != 0 || section.bytes > kSectionRules[i].bytes_max)
            return damaged(subject, fmt::format("section {} has an impossible length", i + 1));
        position += section.bytes;
    }
    if (position != end) return damaged(subject, "there are bytes between its sections and its footer");
    return {};
}

// The length has passed check_sections: it is within the file and its limit.
template <class T>
Result<std::vector<T>> read_section(ByteSource& source, const Footer& footer, Section which, const std::string& subject) {
    const auto& section = footer.sections[which];
    std::vector<T> content(section.bytes / sizeof(T));
    STASIS_CHECK(source.read(section.offset, std::as_writable_bytes(std::span(content))));
    if (checksum_of(std::as_bytes(std::span(content))) != section.checksum)
        return damaged(subject, fmt::format("section {} fails its checksum", static_cast<unsigned>(which) + 1));
    return content;
}

Result<std::vector<Block>> parse_blocks(const std::vector<BlockEntry>& entries, const Footer& footer, const std::string& subject) {
    std::vector<Block> blocks;
    std::set<std::string_view> names;
    std::uint64_t groups = 0;
    std::uint64_t guest_bytes = 0;
    for (const auto& entry : entries) {
        const auto name_bytes = std::as_bytes(std::span(entry.name));
        const std::string_view name(entry.name.data(), entry.name_bytes);
        if (name.empty() || name.find('\0') != std::string_view::npos || !all_zero(name_bytes.subspan(entry.name_bytes)) ||
            !names.insert(name).second)
            return damaged(subject, "a block's name is empty, broken or there twice");
        if (entry.bytes % kPageBytes != 0 || entry.bytes > kGuestBytesMax - guest_bytes)
            return damaged(subject, "a block's length is impossible");
        if (entry.first_group != groups) return damaged(subject, "the blocks' groups do not follow each other");
        guest_bytes += entry.bytes;
        groups += group_count(entry.bytes);
        blocks.push_back({std::string(name), entry.bytes, entry.first_group});
    }
    if (guest_bytes != footer.guest_bytes) return damaged(subject, "its blocks do not add up to the guest's memory");
    if (groups != footer.sections[kGroups].bytes / sizeof(GroupEntry))
        return damaged(subject, "its group directory has another length than its blocks need");
    return blocks;
}

Result<void> check_groups(const std::vector<GroupEntry>& groups, const Footer& footer, const std::string& subject) {
    std::uint32_t last = 0;
    for (const auto& group : groups) {
        const bool stored = group.ordinal != 0u;
        if (group.reserved != 0u || (!stored && group.checksum != 0u) || (stored && group.ordinal != ++last))
            return damaged(subject, "its group directory holds impossible values");
    }
    if (footer.sections[kIndex].bytes != std::uint64_t{last} * sizeof(PageGroup))
        return damaged(subject, "its page index has another length than its groups need");
    return {};
}

Result<void> check_chunks(const std::vector<ChunkEntry>& chunks, const Footer& footer, const std::string& subject) {
    std::uint64_t position = sizeof(Header);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        const auto& chunk = chunks[i];
        const bool full = chunk.pages == kChunkPages || (i + 1 == chunks.size() && chunk.pages >= 1 && chunk.pages < kChunkPages);
        const std::uint64_t raw_bytes = std::uint64_t{chunk.pages} * kPageBytes;
        const bool fits = chunk.codec == static_cast<std::uint8_t>(Codec::raw) ? chunk.stored_bytes == raw_bytes
                                                                               : chunk.stored_bytes > 0u && chunk.stored_bytes < raw_bytes;
        if (!full || !fits || chunk.codec > static_cast<std::uint8_t>(Codec::zstd) || chunk.reserved != 0u)
            return damaged(subject, fmt::format("chunk {} has impossible values", i));
        if (chunk.offset != position) return damaged(subject, fmt::format("chunk {} overlaps another or leaves a gap", i));
        position += chunk.stored_bytes;  // at most 2^26 chunks of 256 KiB: no overflow
    }
    if (position != footer.sections[kConfiguration].offset) return damaged(subject, "its chunks do not end where its sections begin");
    return {};
}

}  // namespace

std::unexpected<Error> damaged(const std::string& subject, std::string why) {
    return fail(ErrorKind::corrupt, "read the memory image", subject, std::move(why));
}

Result<ImageLayout> read_layout(ByteSource& source, const std::string& subject) {
    STASIS_TRY(const std::uint64_t size, source.size());
    if (size < sizeof(Header) + sizeof(Footer)) return damaged(subject, "it is too short: it was cut or is no memory image");
    ImageLayout layout;
    STASIS_TRY(layout.header, read_header(source, subject));
    STASIS_TRY(layout.footer, read_footer(source, subject, layout.header, size));
    const Footer& footer = layout.footer;
    STASIS_CHECK(check_sections(footer, subject));
    STASIS_TRY(layout.configuration, read_section<std::byte>(source, footer, kConfiguration, subject));
    STASIS_TRY(layout.ram_setup, read_section<std::byte>(source, footer, kRamSetup, subject));
    STASIS_TRY(layout.device_state, read_section<std::byte>(source, footer, kDeviceState, subject));
    STASIS_TRY(const auto blocks, read_section<BlockEntry>(source, footer, kBlocks, subject));
    STASIS_TRY(layout.blocks, parse_blocks(blocks, footer, subject));
    STASIS_TRY(layout.groups, read_section<GroupEntry>(source, footer, kGroups, subject));
    STASIS_CHECK(check_groups(layout.groups, footer, subject));
    STASIS_TRY(layout.chunks, read_section<ChunkEntry>(source, footer, kChunks, subject));
    STASIS_CHECK(check_chunks(layout.chunks, footer, subject));
    return layout;
}

}  // namespace stasis::codec::memimage
