// A migration stream from anywhere: the parser must end with pages that lie within their blocks or with an error, and
// it must not matter in which pieces the stream came. The first two bytes choose the pieces.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include "codec/migration/stream_parser.h"

namespace {

using namespace stasis;
using namespace stasis::codec::migration;

struct Watcher final : StreamSink {
    const StreamHead* seen = nullptr;
    std::uint64_t records = 0;

    Result<void> head(const StreamHead& head) override {
        if (seen != nullptr || head.blocks.empty() || head.blocks.size() > kBlocksMax || head.guest_bytes > kGuestBytesMax) __builtin_trap();
        seen = &head;
        return {};
    }
    void armed() override {
        if (seen == nullptr) __builtin_trap();
    }
    Result<void> page(std::uint32_t block, std::uint64_t page, PageBytes) override { return zero_page(block, page); }
    Result<void> zero_page(std::uint32_t block, std::uint64_t page) override {
        if (seen == nullptr || block >= seen->blocks.size() || page >= seen->blocks[block].bytes / kPageBytes) __builtin_trap();
        ++records;
        return {};
    }
};

struct Outcome {
    std::optional<ErrorKind> error;
    std::uint64_t records = 0;
    std::size_t device_bytes = 0;
    bool operator==(const Outcome&) const = default;
};

Outcome parse(std::span<const std::byte> stream, std::size_t first_piece, std::size_t piece) {
    Watcher watcher;
    StreamParser parser(watcher);
    Result<void> result;
    for (std::size_t next = first_piece; result && !stream.empty(); next = piece) {
        const std::size_t count = std::min(next, stream.size());
        result = parser.push(stream.first(count));
        stream = stream.subspan(count);
    }
    if (result) result = parser.finish();
    Outcome outcome{.records = watcher.records};
    if (result) outcome.device_bytes = parser.device_state().size();
    else outcome.error = result.error().kind;
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto stream = std::as_bytes(std::span(data, size)).subspan(2);
    if (parse(stream, stream.size(), 1) != parse(stream, data[0], data[1] * 16u + 1u)) __builtin_trap();
    return 0;
}
