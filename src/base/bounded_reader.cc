#include "base/bounded_reader.h"

#include <fmt/format.h>

namespace stasis {

Result<std::span<const std::byte>> BoundedReader::read_bytes(std::uint64_t count) {
    if (count > remaining())
        return fail(ErrorKind::corrupt, "read", subject_,
                    fmt::format("{} bytes needed at offset {}, {} left", count, position_, remaining()));
    const auto taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += taken.size();
    return taken;
}

Result<std::string> BoundedReader::read_string(std::uint64_t count) {
    STASIS_TRY(const auto bytes, read_bytes(count));
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<void> BoundedReader::skip(std::uint64_t count) {
    STASIS_CHECK(read_bytes(count));
    return {};
}

Result<void> BoundedReader::seek(std::uint64_t position) {
    if (position > bytes_.size())
        return fail(ErrorKind::corrupt, "read", subject_,
                    fmt::format("offset {} is past the end at {}", position, bytes_.size()));
    position_ = static_cast<std::size_t>(position);
    return {};
}

}  // namespace stasis
