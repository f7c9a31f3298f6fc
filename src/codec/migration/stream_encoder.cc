#include "codec/migration/stream_encoder.h"

#include <concepts>

#include "base/endian.h"

namespace stasis::codec::migration {

namespace {

template <std::unsigned_integral T>
void append_big(std::vector<std::byte>& out, T value) {
    const std::size_t position = out.size();
    out.resize(position + sizeof(T));
    store_big<T>(out, position, value);
}

}  // namespace

void StreamEncoder::begin(SectionType type) {
    append_big<std::uint8_t>(out_, type);
    append_big<std::uint32_t>(out_, head_.ram_section);
    block_ = -1;
}

void StreamEncoder::record(std::uint32_t block, std::uint64_t page, std::uint64_t flag) {
    const bool same = block_ == std::int64_t{block};
    append_big<std::uint64_t>(out_, page * kPageBytes | flag | (same ? std::uint64_t{kFlagContinue} : 0));
    if (same) return;
    const auto& name = head_.blocks[block].name;
    append_big<std::uint8_t>(out_, static_cast<std::uint8_t>(name.size()));
    const auto bytes = std::as_bytes(std::span(name));
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    block_ = block;
}

void StreamEncoder::zero_page(std::uint32_t block, std::uint64_t page) {
    record(block, page, kFlagZero);
    out_.push_back(std::byte{0});
}

void StreamEncoder::page(std::uint32_t block, std::uint64_t page, std::span<const std::byte> bytes) {
    record(block, page, kFlagPage);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void StreamEncoder::end_part() {
    append_big<std::uint64_t>(out_, kFlagEndOfSection);
    if (!head_.footers) return;
    append_big<std::uint8_t>(out_, kSectionFooter);
    append_big<std::uint32_t>(out_, head_.ram_section);
}

void StreamEncoder::ram_end() {
    begin(kSectionEnd);
    end_part();
}

}  // namespace stasis::codec::migration
