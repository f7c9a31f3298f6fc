#include "memory/stream_receiver.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "memory/capture.h"

namespace stasis::memory {

using codec::memimage::Codec;
using codec::memimage::kChunkBytes;
using codec::memimage::kChunkPages;
using codec::memimage::kPageBytes;

namespace {

constexpr std::size_t kReadBytes = 256u << 10;   // stays in the processor's cache between read and copy
constexpr int kPipeBytes = 1 << 20;              // more needs a privilege
constexpr std::size_t kBuffersMax = 576;         // 144 MiB

// What one capture may hold in memory besides index and chunk table, at its worst: all buffers, the input, packers'
// scratch memory, and the device state while the array that holds it grows.
static_assert(kBuffersMax * kChunkBytes + kReadBytes + 8 * kChunkBytes + codec::migration::kDeviceStateBytesMax * 3 / 2 <=
              kCaptureMemoryBytesMax);
static_assert(kPageBytes == codec::migration::kPageBytes);

bool is_zero(codec::migration::PageBytes page) {
    return page[0] == std::byte{0} && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

}  // namespace

Result<UniqueFd> make_wake_descriptor() {
    UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) return fail_errno(errno, "make", "an event descriptor");
    return wake;
}

StreamReceiver::StreamReceiver(seam::File& file, Codec codec, UniqueFd stream, UniqueFd wake_descriptor, bool description_optional)
    : stream_(std::move(stream)),
      wake_(std::move(wake_descriptor)),
      parser_(*this, description_optional),
      pipeline_(file, codec, kBuffersMax, [this] { wake(); }) {
    (void)::fcntl(stream_.get(), F_SETPIPE_SZ, kPipeBytes);  // not a pipe, or not allowed: slower, but right
    thread_ = std::thread([this] { run(); });
}

void StreamReceiver::wake() const {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);  // fails only when it is readable anyway
}

bool StreamReceiver::wait_armed(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [&] { return armed_ || ended_; });
    return armed_;
}

bool StreamReceiver::wait_ended(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return ended_; });
}

bool StreamReceiver::failed() const {
    const std::lock_guard lock(mutex_);
    return ended_ && (!outcome_ || pipeline_.error());
}

Result<Received> StreamReceiver::take() {
    thread_.join();
    if (auto error = pipeline_.error()) return std::unexpected(*std::move(error));  // the reason why reading was stopped
    if (!outcome_) return std::unexpected(outcome_.error());
    STASIS_TRY(auto chunks, pipeline_.drain());
    return Received{parser_.head(), parser_.device_state(), *index_, std::move(chunks)};
}

void StreamReceiver::stop() {
    pipeline_.stop();
    wake();
    if (thread_.joinable()) thread_.join();
    pipeline_.join();
}

void StreamReceiver::run() {
    auto outcome = receive_all();
    stream_.reset();
    whole_ = outcome.has_value();
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
    ended_ = true;
    changed_.notify_all();
}

Result<void> StreamReceiver::receive_all() {
    const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kReadBytes);
    bool more = true;
    while (more) {
        STASIS_TRY(more, receive_some({buffer.get(), kReadBytes}));
    }
    STASIS_CHECK(parser_.finish());
    return chunk_pages_ != 0 ? submit_chunk() : Result<void>{};
}

// False at the end of the stream.
Result<bool> StreamReceiver::receive_some(std::span<std::byte> buffer) {
    std::array<::pollfd, 2> watched = {{{stream_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), -1) < 0) {
        if (errno == EINTR) return true;
        return fail_errno(errno, "wait for", "the migration stream");
    }
    if (watched[1].revents != 0) return fail(ErrorKind::interrupted, "read", "the migration stream", "it was stopped");
    const auto count = ::read(stream_.get(), buffer.data(), buffer.size());
    if (count < 0) {
        if (errno == EINTR || errno == EAGAIN) return true;
        return fail_errno(errno, "read", "the migration stream");
    }
    if (count == 0) return false;
    received_bytes_ += static_cast<std::uint64_t>(count);
    STASIS_CHECK(parser_.push(buffer.first(static_cast<std::size_t>(count))));
    return true;
}

Result<void> StreamReceiver::head(const codec::migration::StreamHead& head) {
    std::vector<std::pair<std::string, std::uint64_t>> blocks;
    for (const auto& block : head.blocks) blocks.emplace_back(block.name, block.bytes);
    STASIS_TRY(index_, codec::memimage::PageIndex::make(blocks));
    guest_bytes_ = head.guest_bytes;
    return {};
}

void StreamReceiver::armed() {
    const std::lock_guard lock(mutex_);
    armed_ = true;
    changed_.notify_all();
}

Result<void> StreamReceiver::page(std::uint32_t block, std::uint64_t page, codec::migration::PageBytes bytes) {
    if (is_zero(bytes)) return zero_page(block, page);
    if (chunk_.empty()) {
        if (chunk_number_ == codec::memimage::kChunksMax)
            return fail(ErrorKind::unsupported, "save memory", "memory image", "the guest's memory was sent too many times over");
        STASIS_TRY(chunk_, pipeline_.buffer());
    }
    std::memcpy(chunk_.data() + chunk_pages_ * kPageBytes, bytes.data(), kPageBytes);
    index_->set(block, page, {chunk_number_, static_cast<std::uint32_t>(chunk_pages_)});
    if (++chunk_pages_ == kChunkPages) return submit_chunk();
    return {};
}

Result<void> StreamReceiver::zero_page(std::uint32_t block, std::uint64_t page) {
    index_->set_zero(block, page);
    return {};
}

Result<void> StreamReceiver::submit_chunk() {
    pipeline_.submit(chunk_pages_ * kPageBytes);
    chunk_ = {};
    chunk_pages_ = 0;
    ++chunk_number_;
    return {};
}

}  // namespace stasis::memory
