#include "hypervisor/qemu/memory_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace stasis::hypervisor::qemu {
namespace {

constexpr int kPipeBytes = 1 << 20;  // what an unprivileged user may have; takes up bursts while a chunk is compressed

}  // namespace

Result<std::unique_ptr<MemoryStream>> MemoryStream::open(seam::FileSystem& files, const model::MemoryCapture& request) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "make a pipe for guest memory", request.path);
    UniqueFd read_end(ends[0]), write_end(ends[1]);
    (void)::fcntl(write_end.get(), F_SETPIPE_SZ, kPipeBytes);  // smaller works as well
    STASIS_TRY(auto guard, DrainGuard::start(read_end.get()));
    STASIS_TRY(auto capture, memory::StreamCapture::start(files, std::move(read_end),
                                                          {.path = request.path, .compression = request.compression}));
    return std::unique_ptr<MemoryStream>(new MemoryStream(std::move(write_end), std::move(guard), std::move(capture)));
}

Result<void> MemoryStream::check() {
    if (!failure_ && capture_ && capture_->failed())
        if (auto totals = capture_->finish(nullptr, nullptr); !totals) failure_ = std::move(totals).error();
    return failure_ ? Result<void>(std::unexpected(*failure_)) : Result<void>();
}

Result<memory::CaptureTotals> MemoryStream::finish(ProgressSink* progress, const CancelToken* cancel) {
    auto totals = capture_->finish(progress, cancel);
    if (totals) guard_.dismiss();
    return totals;
}

void MemoryStream::abandon() {
    write_end_.reset();
    capture_.reset();
    guard_.drain();
}

}  // namespace stasis::hypervisor::qemu
