#include "memory/chunk_pipeline.h"

#include <cstring>

#include "codec/memimage/writer.h"

namespace stasis::memory {

using codec::memimage::ChunkEntry;
using codec::memimage::ChunkPacker;
using codec::memimage::Codec;
using codec::memimage::kChunkBytes;

namespace {
constexpr int kPackers = 2;  // more would take the guest's own processors
}

ChunkPipeline::ChunkPipeline(seam::File& file, Codec codec, std::size_t buffers_max, std::function<void()> on_error)
    : file_(file), codec_(codec), buffers_max_(buffers_max), on_error_(std::move(on_error)) {
    threads_.emplace_back([this] { write_loop(); });
    for (int i = 0; codec != Codec::raw && i < kPackers; ++i) threads_.emplace_back([this] { pack_loop(); });
}

ChunkPipeline::~ChunkPipeline() {
    stop();
    join();
}

void ChunkPipeline::join() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

Result<std::span<std::byte>> ChunkPipeline::buffer() {
    if (!filling_) {
        std::unique_lock lock(mutex_);
        buffer_free_.wait(lock, [&] { return stopped_ || !free_.empty() || allocated_ < buffers_max_; });
        if (error_) return std::unexpected(*error_);
        if (stopped_) return fail(ErrorKind::interrupted, "save memory", "memory image", "it was stopped");
        if (!free_.empty()) {
            filling_ = std::move(free_.back());
            free_.pop_back();
        } else {
            ++allocated_;
            filling_ = std::make_unique_for_overwrite<std::byte[]>(kChunkBytes);
        }
    }
    return std::span(filling_.get(), kChunkBytes);
}

void ChunkPipeline::submit(std::size_t raw_bytes) {
    auto job = std::make_unique<Job>();
    job->buffer = std::move(filling_);
    job->raw_bytes = raw_bytes;
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    (codec_ == Codec::raw ? writable_ : packable_).notify_one();
}

Result<std::vector<ChunkEntry>> ChunkPipeline::drain() {
    {
        const std::lock_guard lock(mutex_);
        last_submitted_ = true;
        packable_.notify_all();
        writable_.notify_all();
    }
    join();
    if (error_) return std::unexpected(*error_);
    if (!jobs_.empty()) return fail(ErrorKind::interrupted, "save memory", "memory image", "it was stopped");
    return std::move(entries_);
}

void ChunkPipeline::stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    buffer_free_.notify_all();
    packable_.notify_all();
    writable_.notify_all();
}

std::optional<Error> ChunkPipeline::error() const {
    const std::lock_guard lock(mutex_);
    return error_;
}

// Compresses in place: what is stored is never longer than the pages were.
void ChunkPipeline::pack(ChunkPacker& packer, Job& job) {
    const auto raw = std::span<const std::byte>(job.buffer.get(), job.raw_bytes);
    const auto packed = packer.pack(raw);
    job.entry = codec::memimage::make_chunk_entry(0, job.raw_bytes, packed.codec, packed.stored);
    if (packed.stored.data() != raw.data()) std::memcpy(job.buffer.get(), packed.stored.data(), packed.stored.size());
}

ChunkPipeline::Job* ChunkPipeline::next_to_pack(std::unique_lock<std::mutex>& lock) {
    packable_.wait(lock, [&] { return stopped_ || last_submitted_ || taken_to_pack_ < jobs_.size(); });
    if (stopped_ || taken_to_pack_ == jobs_.size()) return nullptr;
    return jobs_[taken_to_pack_++].get();
}

void ChunkPipeline::pack_loop() {
    ChunkPacker packer(codec_);
    std::unique_lock lock(mutex_);
    while (Job* job = next_to_pack(lock)) {
        lock.unlock();
        pack(packer, *job);
        lock.lock();
        job->packed = true;
        if (job == jobs_.front().get()) writable_.notify_one();
    }
}

// The front job, once packed; none: there will be no more.
std::unique_ptr<ChunkPipeline::Job> ChunkPipeline::next_to_write(std::unique_lock<std::mutex>& lock) {
    writable_.wait(lock, [&] {
        if (stopped_) return true;
        if (jobs_.empty()) return last_submitted_;
        return codec_ == Codec::raw || jobs_.front()->packed;
    });
    if (stopped_ || jobs_.empty()) return nullptr;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    if (taken_to_pack_ > 0) --taken_to_pack_;
    return job;
}

void ChunkPipeline::write_loop() {
    ChunkPacker unpacked(Codec::raw);
    std::uint64_t offset = sizeof(codec::memimage::Header);
    std::unique_lock lock(mutex_);
    while (auto job = next_to_write(lock)) {
        lock.unlock();
        if (!job->packed) pack(unpacked, *job);
        job->entry.offset = offset;
        auto written = file_.write_at(offset, std::span(job->buffer.get(), job->entry.stored_bytes));
        offset += job->entry.stored_bytes;
        lock.lock();
        if (!written) {
            error_ = std::move(written).error();
            break;
        }
        entries_.push_back(job->entry);
        free_.push_back(std::move(job->buffer));
        buffer_free_.notify_one();
    }
    if (!error_) return;
    lock.unlock();
    stop();
    on_error_();
}

}  // namespace stasis::memory
