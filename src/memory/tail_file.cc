#include "memory/tail_file.h"

#include <vector>

namespace stasis::memory {

namespace {

constexpr std::size_t kWriteBytes = 256u << 10;

/// Gathers the many small records of a directory into large writes.
class Appender {
public:
    Appender(seam::File& file, std::uint64_t offset) : file_(file), offset_(offset) {}

    Result<void> add(std::span<const std::byte> bytes) {
        buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
        return buffer_.size() >= kWriteBytes ? flush() : Result<void>{};
    }
    Result<void> flush() {
        STASIS_CHECK(file_.write_at(offset_, buffer_));
        offset_ += buffer_.size();
        buffer_.clear();
        return {};
    }

private:
    seam::File& file_;
    std::uint64_t offset_;
    std::vector<std::byte> buffer_;
};

}  // namespace

Result<std::uint64_t> write_image_tail(seam::File& file, const codec::memimage::Header& header, const Received& received) {
    const auto& chunks = received.chunks;
    Appender out(file, chunks.empty() ? sizeof header : chunks.back().offset + chunks.back().stored_bytes);
    const codec::memimage::ImageParts parts{received.head.configuration, received.head.ram_setup, received.device_state,
                                            received.index, chunks};
    STASIS_TRY(const std::uint64_t file_bytes, codec::memimage::write_tail(parts, header, [&](auto bytes) { return out.add(bytes); }));
    STASIS_CHECK(out.flush());
    return file_bytes;
}

}  // namespace stasis::memory
