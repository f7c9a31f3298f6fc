#include "codec/qcow2/reader.h"

#include <algorithm>

namespace stasis::codec::qcow2 {
namespace {
constexpr std::size_t kWindowBytes = 64u << 10;
}

std::unexpected<Error> corrupt(const Source& source, std::string why) {
    return fail(ErrorKind::corrupt, "read the qcow2 image", source.subject, std::move(why),
                "check it with 'qemu-img check', or restore it from a backup");
}

std::unexpected<Error> unsupported(const Source& source, std::string why, std::string next) {
    return fail(ErrorKind::unsupported, "read the qcow2 image", source.subject, std::move(why), std::move(next));
}

Result<std::vector<std::byte>> read_exact(const Source& source, std::uint64_t offset, std::size_t count,
                                          std::string_view what) {
    if (offset > source.size_bytes || count > source.size_bytes - offset)
        return corrupt(source, std::string(what) + " reaches past the end of the file");
    std::vector<std::byte> bytes(count);
    std::size_t have = 0;
    while (have < count) {
        STASIS_TRY(const std::size_t got, source.read_at(offset + have, std::span(bytes).subspan(have)));
        if (got == 0 || got > count - have)
            return corrupt(source, std::string(what) + " ends early: the file was cut while it was read");
        have += got;
    }
    return bytes;
}

Result<std::span<const std::byte>> TableReader::take(std::size_t count) {
    if (count > kWindowBytes || count > limit_ - taken_)
        return corrupt(source_, what_ + " is larger than " + std::to_string(limit_) + " bytes");
    const bool inside = taken_ >= window_start_ && taken_ + count <= window_start_ + window_.size();
    if (!inside) {
        const std::uint64_t at = offset_ + taken_;
        const std::uint64_t left_in_file = at < source_.size_bytes ? source_.size_bytes - at : 0;
        const std::uint64_t want = std::max<std::uint64_t>(count, std::min<std::uint64_t>({kWindowBytes, limit_ - taken_, left_in_file}));
        STASIS_TRY(window_, read_exact(source_, at, static_cast<std::size_t>(want), what_));
        window_start_ = taken_;
    }
    const auto view = std::span<const std::byte>(window_).subspan(static_cast<std::size_t>(taken_ - window_start_), count);
    taken_ += count;
    return view;
}

Result<void> TableReader::align8() {
    const std::size_t past = static_cast<std::size_t>(taken_ % 8);
    if (past == 0) return {};
    const std::uint64_t at = offset_ + taken_;
    // The padding of the very last entry may be missing: nothing follows it in the file.
    if (source_.size_bytes - std::min(at, source_.size_bytes) < 8 - past) {
        taken_ += std::min<std::uint64_t>(8 - past, limit_ - taken_);
        return {};
    }
    STASIS_CHECK(take(8 - past));
    return {};
}

}  // namespace stasis::codec::qcow2
