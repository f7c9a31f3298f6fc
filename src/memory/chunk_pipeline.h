// Packs chunks of pages and appends them to the file, on its own threads: one producer fills buffers, packers (when
// there is something to pack) compress and checksum them, one writer writes them in the order they came. Memory is
// bounded by `buffers_max`. Does not own the file, which belongs to the writer thread until drain() returns.
// buffer(), submit() and drain() from one thread each; stop() and error() from any.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "codec/memimage/chunk_codec.h"
#include "codec/memimage/format.h"
#include "seam/file_system.h"

namespace stasis::memory {

class ChunkPipeline {
public:
    /// The first chunk goes to the end of the header. `on_error` is called once, from a pipeline thread.
    ChunkPipeline(seam::File& file, codec::memimage::Codec codec, std::size_t buffers_max, std::function<void()> on_error);
    ~ChunkPipeline();  ///< stops; what is not written is lost
    ChunkPipeline(const ChunkPipeline&) = delete;
    ChunkPipeline& operator=(const ChunkPipeline&) = delete;

    /// kChunkBytes for the next chunk; waits while all buffers are in use. interrupted after stop(); or the error.
    Result<std::span<std::byte>> buffer();
    /// The first `raw_bytes` of the buffer are a chunk.
    void submit(std::size_t raw_bytes);
    /// Waits until all is written, ends the threads, and returns the chunk table.
    Result<std::vector<codec::memimage::ChunkEntry>> drain();
    void stop();
    void join();  ///< after stop(): waits for the threads
    [[nodiscard]] std::optional<Error> error() const;

private:
    struct Job {
        std::unique_ptr<std::byte[]> buffer;
        std::size_t raw_bytes = 0;
        codec::memimage::ChunkEntry entry;  ///< all but its offset, once packed
        bool packed = false;
    };
    void pack_loop();
    void write_loop();
    static void pack(codec::memimage::ChunkPacker& packer, Job& job);
    [[nodiscard]] Job* next_to_pack(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] std::unique_ptr<Job> next_to_write(std::unique_lock<std::mutex>& lock);

    seam::File& file_;
    const codec::memimage::Codec codec_;
    const std::size_t buffers_max_;
    const std::function<void()> on_error_;
    std::unique_ptr<std::byte[]> filling_;         ///< the producer's

    mutable std::mutex mutex_;
    std::condition_variable buffer_free_, packable_, writable_;
    std::vector<std::unique_ptr<std::byte[]>> free_;
    std::size_t allocated_ = 0;
    std::deque<std::unique_ptr<Job>> jobs_;        ///< in file order
    std::size_t taken_to_pack_ = 0;                ///< how many of jobs_, from the front, packers have taken
    std::vector<codec::memimage::ChunkEntry> entries_;  ///< written; the writer's until joined
    std::optional<Error> error_;
    bool last_submitted_ = false;
    bool stopped_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace stasis::memory
