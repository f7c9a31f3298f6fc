// A memory image from anywhere: the reader must end with pages or with an error. An odd first byte makes all checksums
// right first, so that what lies behind them is reached.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "codec/memimage/testing/image_builder.h"
#include "codec/memimage/testing/reseal.h"

namespace {

using namespace stasis;
using namespace stasis::codec::memimage;

constexpr std::size_t kPagesRead = 64;

void read_pages(ImageReader& reader) {
    std::array<std::byte, kPageBytes> page;
    for (const auto& block : reader.layout().blocks) {
        const std::uint64_t step = std::max<std::uint64_t>(1, block.bytes / kPageBytes / kPagesRead);
        for (std::uint64_t i = 0; i < block.bytes / kPageBytes; i += step) (void)reader.read_page(block.name, i * kPageBytes, page);
    }
}

void read_all(ImageReader& reader) {
    const auto owners = reader.check_index();
    if (!owners) return;
    for (const PageNumber owner : *owners) {
        if (owner == kNoPage) continue;
        const auto place = reader.place_of(owner);
        if (place.page >= reader.layout().blocks.at(place.block).bytes / kPageBytes) __builtin_trap();
        if (!reader.find_page(place.block, place.page)) __builtin_trap();  // the whole index was found to be right
    }
    std::vector<std::byte> raw;
    for (std::uint32_t chunk = 0; chunk < reader.layout().chunks.size(); ++chunk) {
        raw.resize(reader.chunk_raw_bytes(chunk));
        (void)reader.read_chunk(chunk, raw);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
    std::vector<std::byte> image(bytes.begin(), bytes.end());
    if ((data[0] & 1) != 0) testing::reseal(image);
    const auto reader = testing::open_bytes(image);
    if (!reader) return 0;
    read_pages(**reader);
    read_all(**reader);
    return 0;
}
