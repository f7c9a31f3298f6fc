// Writes the memory part of a QEMU migration stream: part and end sections with PAGE and ZERO records, into a buffer
// that grows at its end. The head and the device state are verbatim bytes and not made here. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "codec/migration/stream.h"

namespace stasis::codec::migration {

class StreamEncoder {
public:
    /// `head` and `out` must outlive the encoder.
    StreamEncoder(const StreamHead& head, std::vector<std::byte>& out) : head_(head), out_(out) {}

    void begin_part() { begin(kSectionPart); }
    void zero_page(std::uint32_t block, std::uint64_t page);
    /// `bytes`: kPageBytes.
    void page(std::uint32_t block, std::uint64_t page, std::span<const std::byte> bytes);
    void end_part();
    /// The section that ends memory; it holds no record.
    void ram_end();

private:
    void begin(SectionType type);
    void record(std::uint32_t block, std::uint64_t page, std::uint64_t flag);

    const StreamHead& head_;
    std::vector<std::byte>& out_;
    std::int64_t block_ = -1;  ///< of the record before in this section; -1: none
};

}  // namespace stasis::codec::migration
