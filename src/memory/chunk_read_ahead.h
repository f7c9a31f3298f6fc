// Reads, verifies and unpacks the chunks of an image in order, some chunks ahead, on its own thread. Has the reader's
// pages for itself while it lives; the reader's layout stays free to use. One thread calls next().
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "codec/memimage/reader.h"

namespace stasis::memory {

class ChunkReadAhead {
public:
    explicit ChunkReadAhead(codec::memimage::ImageReader& reader);
    ~ChunkReadAhead();  ///< ends the thread
    ChunkReadAhead(const ChunkReadAhead&) = delete;
    ChunkReadAhead& operator=(const ChunkReadAhead&) = delete;

    /// The next chunk's pages, valid until the next call. To be called once a chunk, not more often.
    Result<std::span<const std::byte>> next();

private:
    static constexpr std::size_t kDepth = 8;
    void run();
    bool await_room();

    codec::memimage::ImageReader& reader_;
    std::array<std::vector<std::byte>, kDepth> slots_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint32_t read_ = 0;       ///< chunks that are ready or used
    std::uint32_t taken_ = 0;      ///< chunks that next() has returned
    std::optional<Error> error_;   ///< of chunk number read_
    bool stopped_ = false;
    std::thread thread_;
};

}  // namespace stasis::memory
