// For tests and fuzzing only: makes all checksums of a memory image right again after its bytes have been changed, so
// that what lies behind the checksums is reached. Takes any bytes. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "codec/memimage/checksum.h"
#include "codec/memimage/format.h"

namespace stasis::codec::memimage::testing {

template <class T>
T load_record(std::span<const std::byte> image, std::size_t offset) {
    T record;
    std::memcpy(static_cast<void*>(&record), image.data() + offset, sizeof(T));
    return record;
}

template <class T>
void store_record(std::span<std::byte> image, std::size_t offset, const T& record) {
    std::memcpy(image.data() + offset, &record, sizeof(T));
}

inline bool is_within(std::span<const std::byte> image, std::uint64_t offset, std::uint64_t bytes) {
    return offset <= image.size() && bytes <= image.size() - offset;
}

template <class T>
void seal_record(std::span<std::byte> image, std::size_t offset) {
    const auto sum = checksum_of(image.subspan(offset, offsetof(T, checksum)));
    store_record(image, offset + offsetof(T, checksum), Little64(sum));
}

inline void seal_chunks(std::span<std::byte> image, const SectionEntry& table) {
    for (std::size_t at = table.offset; at + sizeof(ChunkEntry) <= table.offset + table.bytes; at += sizeof(ChunkEntry)) {
        auto entry = load_record<ChunkEntry>(image, at);
        if (!is_within(image, entry.offset, entry.stored_bytes)) continue;
        entry.checksum = checksum_of(image.subspan(entry.offset, entry.stored_bytes));
        store_record(image, at, entry);
    }
}

inline void seal_groups(std::span<std::byte> image, const SectionEntry& directory, const SectionEntry& index) {
    for (std::size_t at = directory.offset; at + sizeof(GroupEntry) <= directory.offset + directory.bytes; at += sizeof(GroupEntry)) {
        auto entry = load_record<GroupEntry>(image, at);
        if (entry.ordinal == 0u) continue;
        const std::uint64_t offset = index.offset + std::uint64_t{entry.ordinal - 1} * sizeof(PageGroup);
        if (!is_within(image, offset, sizeof(PageGroup))) continue;
        entry.checksum = checksum_of(image.subspan(offset, sizeof(PageGroup)));
        store_record(image, at, entry);
    }
}

inline void reseal(std::span<std::byte> image) {
    if (image.size() < sizeof(Header) + sizeof(Footer)) return;
    const std::size_t footer_at = image.size() - sizeof(Footer);
    auto footer = load_record<Footer>(image, footer_at);
    const auto usable = [&](Section which) { return is_within(image, footer.sections[which].offset, footer.sections[which].bytes); };
    if (usable(kChunks)) seal_chunks(image, footer.sections[kChunks]);
    if (usable(kGroups) && usable(kIndex)) seal_groups(image, footer.sections[kGroups], footer.sections[kIndex]);
    for (auto& section : footer.sections)
        if (is_within(image, section.offset, section.bytes)) section.checksum = checksum_of(image.subspan(section.offset, section.bytes));
    seal_record<Header>(image, 0);
    footer.header_checksum = load_record<Header>(image, 0).checksum;
    store_record(image, footer_at, footer);
    seal_record<Footer>(image, footer_at);
}

}  // namespace stasis::codec::memimage::testing
