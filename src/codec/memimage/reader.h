// Reads a memory image, any page in constant time. Every chunk and every group of the page index is verified before
// it is used. Owns its source. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "codec/memimage/chunk_codec.h"
#include "codec/memimage/layout.h"

namespace stasis::codec::memimage {

/// A page's place among all pages: group * kGroupPages + page in the group.
using PageNumber = std::uint32_t;
inline constexpr PageNumber kNoPage = 0xffffffff;

class ImageReader {
public:
    /// Checks all but the page index and the chunks. Errors: see read_layout().
    static Result<std::unique_ptr<ImageReader>> open(std::unique_ptr<ByteSource> source, std::string subject);

    [[nodiscard]] const ImageLayout& layout() const { return layout_; }
    [[nodiscard]] std::optional<std::uint32_t> find_block(std::string_view name) const;
    /// Block and page in the block of a number that check_index() gave.
    struct Place {
        std::uint32_t block = 0;
        std::uint64_t page = 0;
    };
    [[nodiscard]] Place place_of(PageNumber number) const;

    /// Slot of a page; none: it is zero. invalid: outside the block. corrupt: the index is damaged there.
    Result<std::optional<Slot>> find_page(std::uint32_t block, std::uint64_t page);
    /// The page at `offset` (a multiple of kPageBytes). Errors: not_found (block), invalid (offset), corrupt.
    Result<void> read_page(std::string_view block, std::uint64_t offset, std::span<std::byte, kPageBytes> page);
    Result<void> read_page(std::uint32_t block, std::uint64_t offset, std::span<std::byte, kPageBytes> page);

    [[nodiscard]] std::size_t chunk_raw_bytes(std::uint32_t chunk) const { return layout_.chunks[chunk].pages * kPageBytes; }
    /// The chunk's pages; `raw` has chunk_raw_bytes(chunk). corrupt: checksum or packing is wrong; `raw` is undefined then.
    Result<void> read_chunk(std::uint32_t chunk, std::span<std::byte> raw);

    /// Verifies the whole page index and returns, for slot s of chunk c at kChunkPages * c + s, the page that it holds
    /// (kNoPage: waste). Takes 4 bytes a slot.
    Result<std::vector<PageNumber>> check_index();

private:
    ImageReader(std::unique_ptr<ByteSource> source, std::string subject, ImageLayout layout);
    Result<void> check_group(std::uint64_t group, const PageGroup& content) const;
    Result<void> own_slots(std::uint64_t group, const PageGroup& content, std::vector<PageNumber>& owners) const;
    [[nodiscard]] std::uint64_t group_pages(std::uint64_t group) const;

    std::unique_ptr<ByteSource> source_;
    std::string subject_;
    ImageLayout layout_;
    std::unordered_map<std::string_view, std::uint32_t> block_by_name_;  ///< keys: layout_.blocks
    std::vector<std::unique_ptr<PageGroup>> groups_;                     ///< those that find_page() has used
    ChunkUnpacker unpacker_;
    std::vector<std::byte> stored_;                                      ///< a chunk as it is in the file
    std::vector<std::byte> cached_;                                      ///< the chunk that read_page() used last
    std::optional<std::uint32_t> cached_chunk_;
};

}  // namespace stasis::codec::memimage
