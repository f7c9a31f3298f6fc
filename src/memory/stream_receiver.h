// Reads a migration stream from a descriptor on its own thread and brings its pages into chunks. Owns the descriptor
// and closes it as soon as nothing more is read, so that the hypervisor never waits for a reader that has given up.
// Does not own the file. stop() from any thread; the rest from one.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "codec/memimage/page_index.h"
#include "codec/migration/stream_parser.h"
#include "memory/chunk_pipeline.h"

namespace stasis::memory {

/// Made readable to end a wait for the stream.
Result<UniqueFd> make_wake_descriptor();

/// All that a stream held, apart from the chunks, which are in the file.
struct Received {
    const codec::migration::StreamHead& head;
    std::span<const std::byte> device_state;
    const codec::memimage::PageIndex& index;
    std::vector<codec::memimage::ChunkEntry> chunks;
};

class StreamReceiver final : private codec::migration::StreamSink {
public:
    StreamReceiver(seam::File& file, codec::memimage::Codec codec, UniqueFd stream, UniqueFd wake, bool description_optional);
    ~StreamReceiver() override { stop(); }

    bool wait_armed(std::chrono::milliseconds limit);
    /// Whether nothing more will be read, after waiting for it up to `limit`.
    bool wait_ended(std::chrono::milliseconds limit);
    [[nodiscard]] bool whole() const { return whole_; }
    /// Whether reading or writing has failed and reading has ended.
    [[nodiscard]] bool failed() const;
    [[nodiscard]] std::uint64_t received_bytes() const { return received_bytes_; }
    [[nodiscard]] std::uint64_t guest_bytes() const { return guest_bytes_; }  ///< 0: not known yet
    /// After the end: waits until all chunks are in the file. What it refers to lives as long as the receiver.
    Result<Received> take();
    /// Ends reading and writing, closes the stream, and waits for the threads. Harmless when all is over.
    void stop();

private:
    Result<void> head(const codec::migration::StreamHead& head) override;
    void armed() override;
    Result<void> page(std::uint32_t block, std::uint64_t page, codec::migration::PageBytes bytes) override;
    Result<void> zero_page(std::uint32_t block, std::uint64_t page) override;

    void run();
    Result<void> receive_all();
    Result<bool> receive_some(std::span<std::byte> buffer);
    Result<void> submit_chunk();
    void wake() const;

    UniqueFd stream_;                     ///< the thread's
    const UniqueFd wake_;
    codec::migration::StreamParser parser_;
    std::optional<codec::memimage::PageIndex> index_;
    std::span<std::byte> chunk_;          ///< that is being filled; empty: none
    std::size_t chunk_pages_ = 0;         ///< in it
    std::uint32_t chunk_number_ = 0;
    ChunkPipeline pipeline_;

    std::atomic<std::uint64_t> received_bytes_{0};
    std::atomic<std::uint64_t> guest_bytes_{0};
    std::atomic<bool> whole_{false};
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool armed_ = false;                  ///< under mutex_
    bool ended_ = false;                  ///< under mutex_
    Result<void> outcome_;                ///< under mutex_
    std::thread thread_;
};

}  // namespace stasis::memory
