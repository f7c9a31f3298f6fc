// The page index while an image is written: for every page of guest memory its slot, or that it is zero. Takes
// memory only for groups that have a stored page. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "codec/memimage/format.h"

namespace stasis::codec::memimage {

class PageIndex {
public:
    /// Blocks as name and length in bytes. invalid: a limit of the format is broken.
    static Result<PageIndex> make(const std::vector<std::pair<std::string, std::uint64_t>>& blocks);

    [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }
    [[nodiscard]] std::uint64_t guest_bytes() const { return guest_bytes_; }
    /// `block` and `page` must be within bounds.
    void set(std::uint32_t block, std::uint64_t page, Slot slot);
    void set_zero(std::uint32_t block, std::uint64_t page);

    [[nodiscard]] std::uint64_t stored_pages() const { return stored_pages_; }
    [[nodiscard]] std::uint64_t zero_pages() const { return guest_bytes_ / kPageBytes - stored_pages_; }
    /// None: all pages of the group are zero and always were.
    [[nodiscard]] const std::vector<std::unique_ptr<PageGroup>>& groups() const { return groups_; }

private:
    std::vector<Block> blocks_;
    std::vector<std::unique_ptr<PageGroup>> groups_;
    std::uint64_t guest_bytes_ = 0;
    std::uint64_t stored_pages_ = 0;
};

}  // namespace stasis::codec::memimage
