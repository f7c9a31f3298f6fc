#include "memory/chunk_read_ahead.h"

namespace stasis::memory {

ChunkReadAhead::ChunkReadAhead(codec::memimage::ImageReader& reader) : reader_(reader) {
    thread_ = std::thread([this] { run(); });
}

ChunkReadAhead::~ChunkReadAhead() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        changed_.notify_all();
    }
    thread_.join();
}

Result<std::span<const std::byte>> ChunkReadAhead::next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return read_ > taken_ || error_; });
    if (read_ == taken_) return std::unexpected(*error_);
    const auto& slot = slots_[taken_++ % kDepth];
    changed_.notify_all();
    return std::span<const std::byte>(slot);
}

// The slot that next() returned last is in use until it is called again.
bool ChunkReadAhead::await_room() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || read_ - taken_ + 1 < kDepth; });
    return !stopped_;
}

void ChunkReadAhead::run() {
    const auto count = static_cast<std::uint32_t>(reader_.layout().chunks.size());
    for (std::uint32_t chunk = 0; chunk < count && await_room(); ++chunk) {
        auto& slot = slots_[chunk % kDepth];
        slot.resize(reader_.chunk_raw_bytes(chunk));
        auto done = reader_.read_chunk(chunk, slot);
        const std::lock_guard lock(mutex_);
        if (done) ++read_;
        else error_ = std::move(done).error();
        changed_.notify_all();
        if (error_) return;
    }
}

}  // namespace stasis::memory
