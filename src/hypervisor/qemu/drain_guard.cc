#include "hypervisor/qemu/drain_guard.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace stasis::hypervisor::qemu {
namespace {

constexpr int kStream = 0, kLifeline = 1;   // the guard's only descriptors

/// Reads to the end of the stream. Only system calls: this runs in a forked child of a program with threads.
void read_to_end() {
    static char buffer[1 << 16];
    while (true) {
        pollfd ready{kStream, POLLIN, 0};
        if (::poll(&ready, 1, -1) < 0 && errno != EINTR) return;
        const auto count = ::read(kStream, buffer, sizeof buffer);
        if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return;
    }
}

[[noreturn]] void guard() {
    ::setsid();
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
    (void)!::chdir("/");
    while (true) {
        char told = 0;
        const auto count = ::read(kLifeline, &told, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count == 0) read_to_end();  // the tool let go, or is gone
        ::_exit(0);
    }
}

/// In the child: nothing of ours but the two descriptors, no lock, no socket, may live on in the guard.
[[noreturn]] void become_guard(int stream, int lifeline) {
    const int high_stream = ::fcntl(stream, F_DUPFD, 3);
    const int high_lifeline = ::fcntl(lifeline, F_DUPFD, 3);
    if (high_stream < 0 || high_lifeline < 0 || ::dup2(high_stream, kStream) < 0 ||
        ::dup2(high_lifeline, kLifeline) < 0 || ::syscall(SYS_close_range, 2u, ~0u, 0u) != 0)
        ::_exit(1);
    const pid_t child = ::fork();  // twice: nobody of ours has to wait for its end
    if (child == 0) guard();
    ::_exit(child < 0 ? 1 : 0);
}

}  // namespace

Result<DrainGuard> DrainGuard::start(int stream) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "guard the memory stream", "pipe");
    const UniqueFd theirs(ends[0]);
    UniqueFd ours(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return fail_errno(errno, "guard the memory stream", "fork");
    if (child == 0) become_guard(stream, theirs.get());
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail(ErrorKind::failed, "guard the memory stream", "fork", "the guard did not start");
    return DrainGuard(std::move(ours));
}

void DrainGuard::dismiss() {
    if (lifeline_) (void)!::write(lifeline_.get(), "x", 1);
    lifeline_.reset();
}

}  // namespace stasis::hypervisor::qemu
