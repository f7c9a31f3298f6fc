#include "codec/memimage/page_index.h"

#include <set>

#include <fmt/format.h>

namespace stasis::codec::memimage {

Result<PageIndex> PageIndex::make(const std::vector<std::pair<std::string, std::uint64_t>>& blocks) {
    const auto refuse = [](std::string why) {
        return fail(ErrorKind::invalid, "lay out the memory image", "the list of blocks", std::move(why));
    };
    if (blocks.size() > kBlocksMax) return refuse(fmt::format("more than {} blocks", kBlocksMax));
    PageIndex index;
    std::set<std::string> names;
    std::uint64_t groups = 0;
    for (const auto& [name, bytes] : blocks) {
        if (name.empty() || name.size() > kBlockNameBytesMax) return refuse("a name is empty or too long");
        if (!names.insert(name).second) return refuse(fmt::format("'{}' is there twice", name));
        if (bytes % kPageBytes != 0) return refuse(fmt::format("'{}' is not a whole number of pages", name));
        if (bytes > kGuestBytesMax - index.guest_bytes_) return refuse("more than 16 TiB of memory");
        index.guest_bytes_ += bytes;
        index.blocks_.push_back({name, bytes, groups});
        groups += group_count(bytes);
    }
    if (groups > kGroupsMax) return refuse("more than 16 TiB of memory");
    index.groups_.resize(groups);
    return index;
}

void PageIndex::set(std::uint32_t block, std::uint64_t page, Slot slot) {
    auto& group = groups_[blocks_[block].first_group + page / kGroupPages];
    if (!group) group = std::make_unique<PageGroup>();
    auto& entry = (*group)[page % kGroupPages];
    if (entry == 0u) ++stored_pages_;
    entry = slot.to_entry();
}

void PageIndex::set_zero(std::uint32_t block, std::uint64_t page) {
    auto& group = groups_[blocks_[block].first_group + page / kGroupPages];
    if (!group) return;
    auto& entry = (*group)[page % kGroupPages];
    if (entry != 0u) --stored_pages_;
    entry = 0u;
}

}  // namespace stasis::codec::memimage
