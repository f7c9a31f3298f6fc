#include "memory/replay.h"

#include "codec/migration/stream_encoder.h"
#include "memory/chunk_read_ahead.h"
#include "memory/image_file.h"
#include "memory/stream_output.h"

namespace stasis::memory {

using codec::memimage::kChunkPages;
using codec::memimage::kGroupPages;
using codec::memimage::kNoPage;
using codec::memimage::kPageBytes;
using codec::memimage::PageNumber;

namespace {

constexpr std::size_t kWriteBytes = 512u << 10;
constexpr std::uint64_t kProgressBytes = 16u << 20;  // of guest memory between two calls

/// Tells progress in steps that cost nothing.
class Meter {
public:
    Meter(ProgressSink* sink, std::string_view activity, std::uint64_t total) : sink_(sink), activity_(activity), total_(total) {}
    void add(std::uint64_t bytes) {
        done_ += bytes;
        if (sink_ == nullptr || (done_ - told_ < kProgressBytes && done_ != total_)) return;
        told_ = done_;
        sink_->progress({activity_, done_, total_});
    }

private:
    ProgressSink* sink_;
    std::string_view activity_;
    std::uint64_t total_;
    std::uint64_t done_ = 0;
    std::uint64_t told_ = 0;
};

/// Writes the whole stream of one image.
class Replay {
public:
    Replay(const ImageFile& image, StreamOutput& out, ProgressSink* progress)
        : image_(image),
          layout_(image.reader->layout()),
          out_(out),
          encoder_(image.head, buffer_),
          meter_(progress, "loading memory", image.head.guest_bytes) {
        buffer_.reserve(kWriteBytes + (kChunkPages + 1) * (kPageBytes + 512));
    }

    Result<void> run() {
        ChunkReadAhead chunks(*image_.reader);
        append(layout_.configuration);
        append(layout_.ram_setup);
        encoder_.begin_part();
        STASIS_CHECK(zero_pages());
        STASIS_CHECK(stored_pages(chunks));
        encoder_.end_part();
        encoder_.ram_end();
        STASIS_CHECK(flush());
        return out_.write(layout_.device_state);
    }

private:
    void append(std::span<const std::byte> bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }

    Result<void> flush() {
        STASIS_CHECK(out_.write(buffer_));
        buffer_.clear();
        return {};
    }

    // A part of its own for what is written at once: QEMU holds a lock while it is inside a section.
    Result<void> flush_when_full() {
        if (buffer_.size() < kWriteBytes) return {};
        encoder_.end_part();
        STASIS_CHECK(flush());
        encoder_.begin_part();
        return {};
    }

    // Zero pages are told, not left out: a new guest has filled ROM blocks before it loads.
    Result<void> zero_pages() {
        std::vector<bool> stored(layout_.groups.size() * kGroupPages);
        for (const PageNumber number : image_.owners)
            if (number != kNoPage) stored[number] = true;
        for (std::uint32_t block = 0; block < layout_.blocks.size(); ++block) {
            const std::uint64_t first = layout_.blocks[block].first_group * kGroupPages;
            for (std::uint64_t page = 0; page < layout_.blocks[block].bytes / kPageBytes; ++page) {
                if (stored[first + page]) continue;
                encoder_.zero_page(block, page);
                meter_.add(kPageBytes);
                STASIS_CHECK(flush_when_full());
            }
        }
        return {};
    }

    Result<void> stored_pages(ChunkReadAhead& chunks) {
        for (std::size_t chunk = 0; chunk < layout_.chunks.size(); ++chunk) {
            STASIS_TRY(const auto pages, chunks.next());
            for (std::size_t slot = 0; slot < pages.size() / kPageBytes; ++slot) {
                const PageNumber number = image_.owners[chunk * kChunkPages + slot];
                if (number == kNoPage) continue;
                const auto place = image_.reader->place_of(number);
                encoder_.page(place.block, place.page, pages.subspan(slot * kPageBytes, kPageBytes));
                meter_.add(kPageBytes);
            }
            STASIS_CHECK(flush_when_full());
        }
        return {};
    }

    const ImageFile& image_;
    const codec::memimage::ImageLayout& layout_;
    StreamOutput& out_;
    std::vector<std::byte> buffer_;
    codec::migration::StreamEncoder encoder_;
    Meter meter_;
};

}  // namespace

Result<ReplayTotals> replay(seam::FileSystem& files, const std::string& path, int stream, ProgressSink* progress,
                            const CancelToken* cancel) {
    STASIS_TRY(const auto image, open_image(files, path));
    StreamOutput out(stream, cancel);
    if (auto done = Replay(image, out, progress).run(); !done) return fail_because(std::move(done).error(), "load memory", path);
    return ReplayTotals{out.written_bytes(), image.head.guest_bytes};
}

Result<ImageSummary> summarize(seam::FileSystem& files, const std::string& path) {
    STASIS_TRY(const auto image, open_image(files, path));
    return ImageSummary{image.head.guest_bytes, image.reader->layout().footer.file_bytes, image.head.machine};
}

Result<void> verify(seam::FileSystem& files, const std::string& path, ProgressSink* progress, const CancelToken* cancel) {
    STASIS_TRY(const auto image, open_image(files, path));
    const auto& chunks = image.reader->layout().chunks;
    Meter meter(progress, "checking memory image", chunks.empty() ? 0 : chunks.back().offset + chunks.back().stored_bytes - chunks[0].offset);
    std::vector<std::byte> raw;
    for (std::uint32_t chunk = 0; chunk < chunks.size(); ++chunk) {
        if (cancel != nullptr && cancel->cancelled()) return fail(ErrorKind::interrupted, "check the memory image", path, "it was cancelled");
        raw.resize(image.reader->chunk_raw_bytes(chunk));
        STASIS_CHECK(image.reader->read_chunk(chunk, raw));
        meter.add(chunks[chunk].stored_bytes);
    }
    return {};
}

}  // namespace stasis::memory
