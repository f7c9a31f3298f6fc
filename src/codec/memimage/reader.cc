#include "codec/memimage/reader.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "codec/memimage/checksum.h"

namespace stasis::codec::memimage {

namespace {
constexpr std::size_t kGroupsPerRead = 128;  // 256 KiB
}

ImageReader::ImageReader(std::unique_ptr<ByteSource> source, std::string subject, ImageLayout layout)
    : source_(std::move(source)), subject_(std::move(subject)), layout_(std::move(layout)), groups_(layout_.groups.size()) {
    for (std::uint32_t i = 0; i < layout_.blocks.size(); ++i) block_by_name_.emplace(layout_.blocks[i].name, i);
}

Result<std::unique_ptr<ImageReader>> ImageReader::open(std::unique_ptr<ByteSource> source, std::string subject) {
    STASIS_TRY(auto layout, read_layout(*source, subject));
    return std::unique_ptr<ImageReader>(new ImageReader(std::move(source), std::move(subject), std::move(layout)));
}

std::optional<std::uint32_t> ImageReader::find_block(std::string_view name) const {
    const auto found = block_by_name_.find(name);
    if (found == block_by_name_.end()) return std::nullopt;
    return found->second;
}

ImageReader::Place ImageReader::place_of(PageNumber number) const {
    const std::uint64_t group = number / kGroupPages;
    // The last block that begins at or before the group; empty blocks share a start with the one behind them.
    const auto next = std::ranges::upper_bound(layout_.blocks, group, {}, &Block::first_group);
    const auto block = static_cast<std::uint32_t>(next - layout_.blocks.begin() - 1);
    return {block, number - layout_.blocks[block].first_group * kGroupPages};
}

// Pages of the group that are within its block.
std::uint64_t ImageReader::group_pages(std::uint64_t group) const {
    const Place first = place_of(static_cast<PageNumber>(group * kGroupPages));
    return std::min<std::uint64_t>(kGroupPages, layout_.blocks[first.block].bytes / kPageBytes - first.page);
}

Result<void> ImageReader::check_group(std::uint64_t group, const PageGroup& content) const {
    if (checksum_of(std::as_bytes(std::span(content))) != layout_.groups[group].checksum)
        return damaged(subject_, fmt::format("group {} of its page index fails its checksum", group));
    const std::uint64_t pages = group_pages(group);
    for (std::size_t i = 0; i < content.size(); ++i) {
        if (content[i] == 0u) continue;
        const Slot slot = Slot::from_entry(content[i]);
        if (i >= pages || slot.chunk >= layout_.chunks.size() || slot.slot >= layout_.chunks[slot.chunk].pages)
            return damaged(subject_, fmt::format("group {} of its page index points outside a chunk or its block", group));
    }
    return {};
}

Result<std::optional<Slot>> ImageReader::find_page(std::uint32_t block, std::uint64_t page) {
    if (block >= layout_.blocks.size() || page >= layout_.blocks[block].bytes / kPageBytes)
        return fail(ErrorKind::invalid, "read a page", subject_, "there is no such page in the block");
    const std::uint64_t group = layout_.blocks[block].first_group + page / kGroupPages;
    const std::uint32_t ordinal = layout_.groups[group].ordinal;
    if (ordinal == 0) return std::optional<Slot>{};
    if (!groups_[group]) {
        auto content = std::make_unique<PageGroup>();
        const std::uint64_t offset = layout_.footer.sections[kIndex].offset + std::uint64_t{ordinal - 1} * sizeof(PageGroup);
        STASIS_CHECK(source_->read(offset, std::as_writable_bytes(std::span(*content))));
        STASIS_CHECK(check_group(group, *content));
        groups_[group] = std::move(content);
    }
    const std::uint32_t entry = (*groups_[group])[page % kGroupPages];
    if (entry == 0) return std::optional<Slot>{};
    return std::optional(Slot::from_entry(entry));
}

Result<void> ImageReader::read_page(std::string_view block, std::uint64_t offset, std::span<std::byte, kPageBytes> page) {
    const auto found = find_block(block);
    if (!found) return fail(ErrorKind::not_found, "read a page", subject_, fmt::format("it has no block '{}'", block));
    return read_page(*found, offset, page);
}

Result<void> ImageReader::read_page(std::uint32_t block, std::uint64_t offset, std::span<std::byte, kPageBytes> page) {
    if (offset % kPageBytes != 0) return fail(ErrorKind::invalid, "read a page", subject_, "the offset is not the start of a page");
    STASIS_TRY(const auto slot, find_page(block, offset / kPageBytes));
    if (!slot) {
        std::ranges::fill(page, std::byte{0});
        return {};
    }
    if (cached_chunk_ != slot->chunk) {
        cached_chunk_.reset();
        cached_.resize(chunk_raw_bytes(slot->chunk));
        STASIS_CHECK(read_chunk(slot->chunk, cached_));
        cached_chunk_ = slot->chunk;
    }
    std::memcpy(page.data(), cached_.data() + slot->slot * kPageBytes, kPageBytes);
    return {};
}

Result<void> ImageReader::read_chunk(std::uint32_t chunk, std::span<std::byte> raw) {
    if (chunk >= layout_.chunks.size() || raw.size() != chunk_raw_bytes(chunk))
        return fail(ErrorKind::invalid, "read a chunk", subject_, "there is no such chunk of that length");
    const ChunkEntry& entry = layout_.chunks[chunk];
    const auto codec = static_cast<Codec>(entry.codec);
    stored_.resize(codec == Codec::raw ? 0 : entry.stored_bytes.value());
    const std::span<std::byte> stored = codec == Codec::raw ? raw : std::span(stored_);
    STASIS_CHECK(source_->read(entry.offset, stored));
    if (checksum_of(stored) != entry.checksum) return damaged(subject_, fmt::format("chunk {} fails its checksum", chunk));
    if (codec == Codec::raw) return {};
    if (auto unpacked = unpacker_.unpack(codec, stored, raw); !unpacked)
        return damaged(subject_, fmt::format("chunk {} does not unpack to its pages", chunk));
    return {};
}

Result<void> ImageReader::own_slots(std::uint64_t group, const PageGroup& content, std::vector<PageNumber>& owners) const {
    for (std::size_t i = 0; i < content.size(); ++i) {
        if (content[i] == 0u) continue;
        auto& owner = owners[content[i] - 1];  // check_group() has seen that it is within the chunks
        if (owner != kNoPage) return damaged(subject_, fmt::format("two pages of its page index share a slot (group {})", group));
        owner = static_cast<PageNumber>(group * kGroupPages + i);
    }
    return {};
}

Result<std::vector<PageNumber>> ImageReader::check_index() {
    std::vector<PageNumber> owners(layout_.chunks.size() * kChunkPages, kNoPage);
    std::vector<PageGroup> batch;
    std::size_t used = 0;  // of the batch
    Checksum sum;
    const auto& section = layout_.footer.sections[kIndex];
    std::uint64_t position = 0;
    for (std::uint64_t group = 0; group < layout_.groups.size(); ++group) {
        if (layout_.groups[group].ordinal == 0u) continue;  // the others are in the same order as in the index
        if (used == batch.size()) {
            batch.resize(std::min<std::uint64_t>(kGroupsPerRead, (section.bytes - position) / sizeof(PageGroup)));
            STASIS_CHECK(source_->read(section.offset + position, std::as_writable_bytes(std::span(batch))));
            sum.add(std::as_bytes(std::span(batch)));
            position += batch.size() * sizeof(PageGroup);
            used = 0;
        }
        STASIS_CHECK(check_group(group, batch[used]));
        STASIS_CHECK(own_slots(group, batch[used++], owners));
    }
    if (sum.value() != section.checksum) return damaged(subject_, "its page index fails its checksum");
    const auto stored = static_cast<std::uint64_t>(owners.size()) - static_cast<std::uint64_t>(std::ranges::count(owners, kNoPage));
    if (stored != layout_.footer.stored_pages) return damaged(subject_, "its page index holds another number of pages than its footer says");
    return owners;
}

}  // namespace stasis::codec::memimage
