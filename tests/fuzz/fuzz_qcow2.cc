// A qcow2 file from anywhere: the reader must end, within its limits, with an image or an error.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "codec/qcow2/image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const stasis::codec::qcow2::Source source{
        .read_at = [=](std::uint64_t offset, std::span<std::byte> buffer) -> stasis::Result<std::size_t> {
            if (offset >= size) return std::size_t{0};
            const std::size_t count = std::min<std::size_t>(buffer.size(), size - static_cast<std::size_t>(offset));
            std::memcpy(buffer.data(), data + offset, count);
            return count;
        },
        .size_bytes = size,
        .subject = "fuzz"};
    const auto image = stasis::codec::qcow2::read_image(source);
    if (image && image->snapshots.size() > stasis::codec::qcow2::kSnapshotsMax) __builtin_trap();
    return 0;
}
