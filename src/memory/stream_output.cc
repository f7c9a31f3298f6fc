#include "memory/stream_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace stasis::memory {

namespace {

constexpr int kCancelCheckMs = 100;

bool can_wait(int descriptor) {
    struct ::stat status{};
    return ::fstat(descriptor, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

::sigset_t pipe_signal() {
    ::sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGPIPE);
    return set;
}

bool pipe_signal_pending() {
    ::sigset_t pending;
    ::sigpending(&pending);
    return ::sigismember(&pending, SIGPIPE) == 1;
}

}  // namespace

StreamOutput::StreamOutput(int descriptor, const CancelToken* cancel) : descriptor_(descriptor), cancel_(cancel) {
    const auto set = pipe_signal();
    pipe_signal_pending_before_ = pipe_signal_pending();
    ::pthread_sigmask(SIG_BLOCK, &set, &signals_before_);
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0 && can_wait(descriptor) && ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0)
        flags_before_ = flags;
}

StreamOutput::~StreamOutput() {
    if (flags_before_ >= 0) ::fcntl(descriptor_, F_SETFL, flags_before_);
    if (!pipe_signal_pending_before_ && pipe_signal_pending()) {  // ours: take it, so that unblocking does not deliver it
        const auto set = pipe_signal();
        const ::timespec at_once{};
        ::sigtimedwait(&set, nullptr, &at_once);
    }
    ::pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
}

Result<void> StreamOutput::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        if (cancel_ != nullptr && cancel_->cancelled()) return fail(ErrorKind::interrupted, "write", "the migration stream", "it was cancelled");
        const auto count = ::write(descriptor_, bytes.data(), bytes.size());
        if (count >= 0) {
            written_bytes_ += static_cast<std::uint64_t>(count);
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            STASIS_CHECK(wait_writable());
        } else if (errno == EPIPE) {
            return fail(ErrorKind::failed, "write", "the migration stream", "its reader has closed it");
        } else if (errno != EINTR) {
            return fail_errno(errno, "write", "the migration stream");
        }
    }
    return {};
}

Result<void> StreamOutput::wait_writable() const {
    ::pollfd watched{descriptor_, POLLOUT, 0};
    if (::poll(&watched, 1, kCancelCheckMs) < 0 && errno != EINTR) return fail_errno(errno, "wait for", "the migration stream");
    return {};
}

}  // namespace stasis::memory
