#include "codec/memimage/writer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "codec/memimage/checksum.h"

namespace stasis::codec::memimage {

namespace {

template <class T>
std::span<const std::byte> bytes_of(const T& record) {
    return std::as_bytes(std::span(&record, 1));
}

std::array<char, 8> magic_of(std::string_view text) {
    std::array<char, 8> magic{};
    std::ranges::copy(text, magic.begin());
    return magic;
}

bool has_stored_page(const PageGroup* group) {
    return group != nullptr && std::ranges::any_of(*group, [](const Little32& entry) { return entry != 0u; });
}

/// Writes sections one after the other and notes where each lies.
class TailWriter {
public:
    TailWriter(std::uint64_t start, const ByteSink& sink) : position_(start), sink_(sink) {}

    /// `body` calls add() for what the section holds.
    template <class Body>
    Result<void> section(Section which, Body body) {
        Checksum sum;
        sum_ = &sum;
        const std::uint64_t start = position_;
        STASIS_CHECK(body());
        footer_.sections[which] = {start, position_ - start, sum.value()};
        sum_ = nullptr;
        return {};
    }
    Result<void> section(Section which, std::span<const std::byte> bytes) {
        return section(which, [&] { return add(bytes); });
    }
    Result<void> add(std::span<const std::byte> bytes) {
        if (bytes.empty()) return {};
        sum_->add(bytes);
        position_ += bytes.size();
        return sink_(bytes);
    }
    Result<std::uint64_t> footer(const PageIndex& index, const Header& header) {
        footer_.magic = magic_of(kFooterMagic);
        footer_.version = kVersion;
        footer_.footer_bytes = static_cast<std::uint32_t>(sizeof(Footer));
        footer_.file_bytes = position_ + sizeof(Footer);
        footer_.header_checksum = header.checksum;
        footer_.guest_bytes = index.guest_bytes();
        footer_.stored_pages = index.stored_pages();
        footer_.checksum = checksum_of(bytes_of(footer_).first(offsetof(Footer, checksum)));
        STASIS_CHECK(sink_(bytes_of(footer_)));
        return footer_.file_bytes.value();
    }

private:
    std::uint64_t position_;
    const ByteSink& sink_;
    Checksum* sum_ = nullptr;
    Footer footer_;
};

Result<void> write_blocks(TailWriter& out, const PageIndex& index) {
    for (const Block& block : index.blocks()) {
        BlockEntry entry;
        entry.bytes = block.bytes;
        entry.first_group = block.first_group;
        entry.name_bytes = static_cast<std::uint8_t>(block.name.size());
        std::ranges::copy(block.name, entry.name.begin());
        STASIS_CHECK(out.add(bytes_of(entry)));
    }
    return {};
}

Result<void> write_directory(TailWriter& out, const PageIndex& index) {
    std::uint32_t ordinal = 0;
    for (const auto& group : index.groups()) {
        GroupEntry entry;
        if (has_stored_page(group.get())) {
            entry.ordinal = ++ordinal;
            entry.checksum = checksum_of(bytes_of(*group));
        }
        STASIS_CHECK(out.add(bytes_of(entry)));
    }
    return {};
}

Result<void> write_index(TailWriter& out, const PageIndex& index) {
    for (const auto& group : index.groups())
        if (has_stored_page(group.get())) STASIS_CHECK(out.add(bytes_of(*group)));
    return {};
}

}  // namespace

Header make_header(Codec wanted) {
    Header header;
    header.magic = magic_of(kHeaderMagic);
    header.version = kVersion;
    header.header_bytes = static_cast<std::uint32_t>(sizeof(Header));
    header.page_bytes = static_cast<std::uint32_t>(kPageBytes);
    header.chunk_pages = static_cast<std::uint32_t>(kChunkPages);
    header.compression = static_cast<std::uint32_t>(wanted);
    header.checksum = checksum_of(bytes_of(header).first(offsetof(Header, checksum)));
    return header;
}

ChunkEntry make_chunk_entry(std::uint64_t offset, std::size_t raw_bytes, Codec codec, std::span<const std::byte> stored) {
    ChunkEntry entry;
    entry.offset = offset;
    entry.stored_bytes = static_cast<std::uint32_t>(stored.size());
    entry.codec = static_cast<std::uint8_t>(codec);
    entry.pages = static_cast<std::uint8_t>(raw_bytes / kPageBytes);
    entry.checksum = checksum_of(stored);
    return entry;
}

Result<std::uint64_t> write_tail(const ImageParts& parts, const Header& header, const ByteSink& sink) {
    if (parts.configuration.size() > kConfigurationBytesMax || parts.ram_setup.size() > kRamSetupBytesMax ||
        parts.device_state.size() > kDeviceStateBytesMax || parts.chunks.size() > kChunksMax)
        return fail(ErrorKind::invalid, "write the memory image", "its last part", "a section is longer than the format allows");
    const std::uint64_t chunks_end =
        parts.chunks.empty() ? sizeof(Header) : parts.chunks.back().offset + parts.chunks.back().stored_bytes;
    TailWriter out(chunks_end, sink);
    STASIS_CHECK(out.section(kConfiguration, parts.configuration));
    STASIS_CHECK(out.section(kRamSetup, parts.ram_setup));
    STASIS_CHECK(out.section(kDeviceState, parts.device_state));
    STASIS_CHECK(out.section(kBlocks, [&] { return write_blocks(out, parts.index); }));
    STASIS_CHECK(out.section(kGroups, [&] { return write_directory(out, parts.index); }));
    STASIS_CHECK(out.section(kIndex, [&] { return write_index(out, parts.index); }));
    STASIS_CHECK(out.section(kChunks, std::as_bytes(parts.chunks)));
    return out.footer(parts.index, header);
}

}  // namespace stasis::codec::memimage
