#include "seam/posix/run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include <fmt/format.h>

#include "seam/posix/child.h"
#include "seam/posix/system.h"

namespace stasis::seam::posix {

namespace {

constexpr int kCancelLookMs = 50;  // how soon a cancel is noticed

struct Pipe {
    UniqueFd read;
    UniqueFd write;
};

Result<Pipe> make_pipe(const std::string& program) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "run program", program);
    Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
    // Only our end: the child's must block, or it would lose output.
    if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno(errno, "run program", program);
    return pipe;
}

// One of the child's two outputs, cut at a limit.
class Output {
public:
    Output(UniqueFd end, std::uint64_t limit, std::function<void(std::string_view)> on_piece)
        : end_(std::move(end)), limit_(limit), on_piece_(std::move(on_piece)) {}

    [[nodiscard]] int descriptor() const { return end_.get(); }  // -1 when closed, which poll() skips

    // Takes what is there now.
    void drain() {
        std::array<char, 16 << 10> buffer;
        while (end_) {
            const auto count = retrying([&] { return ::read(end_.get(), buffer.data(), buffer.size()); });
            if (count < 0 && errno == EAGAIN) return;
            if (count <= 0) return end_.reset();
            take({buffer.data(), static_cast<std::size_t>(count)});
        }
    }

    std::string text;

private:
    void take(std::string_view piece) {
        text += piece.substr(0, static_cast<std::size_t>(limit_ - text.size()));
        if (on_piece_) on_piece_(piece);
    }

    UniqueFd end_;
    std::uint64_t limit_;
    std::function<void(std::string_view)> on_piece_;
};

// A child in its own process group. Not waited for when destroyed: kills the group and reaps the child.
class RunningChild {
public:
    explicit RunningChild(::pid_t pid)
        : pid_(pid), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
    RunningChild(const RunningChild&) = delete;
    RunningChild& operator=(const RunningChild&) = delete;
    ~RunningChild() {
        if (pid_ <= 0) return;
        ::kill(-pid_, SIGKILL);
        (void)wait();
    }

    [[nodiscard]] int handle() const { return handle_.get(); }  // readable when it has ended

    // 0 to 255, or 128 + the signal that ended it; -1: somebody else took the status (SIGCHLD is ignored).
    int wait() {
        int status = 0;
        const auto reaped = retrying([&] { return ::waitpid(pid_, &status, 0); });
        pid_ = -1;
        if (reaped < 0) return -1;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

private:
    ::pid_t pid_;
    UniqueFd handle_;
};

class Run {
public:
    Run(const RunRequest& request, ::pid_t pid, UniqueFd standard_output, UniqueFd standard_error)
        : request_(request),
          deadline_(request.time_limit.count() == 0 ? std::chrono::hours(24 * 365) : request.time_limit),
          child_(pid),
          output_(std::move(standard_output), request.output_bytes_max, request.on_output),
          error_(std::move(standard_error), request.output_bytes_max, {}) {}

    Result<RunResult> finish() {
        const auto& program = request_.argv[0];
        if (child_.handle() < 0) return fail_errno(errno, "watch program", program);
        for (bool ended = false; !ended;) {
            if (request_.cancel != nullptr && request_.cancel->cancelled())
                return fail(ErrorKind::interrupted, "run program", program, "cancelled");
            if (deadline_.passed())
                return fail(ErrorKind::failed, "run program", program,
                            fmt::format("it did not end within {} ms and was killed", request_.time_limit.count()));
            STASIS_TRY(ended, wait_and_take());
        }
        RunResult result;
        result.exit_code = child_.wait();
        if (result.exit_code < 0) return fail(ErrorKind::failed, "run program", program, "its exit status was lost");
        result.standard_output = std::move(output_.text);
        result.standard_error = std::move(error_.text);
        return result;
    }

private:
    // True once the child has ended. What it printed before is in the pipes by then; a grandchild that keeps them
    // open is not waited for.
    Result<bool> wait_and_take() {
        std::array<::pollfd, 3> watched{{{output_.descriptor(), POLLIN, 0},
                                         {error_.descriptor(), POLLIN, 0},
                                         {child_.handle(), POLLIN, 0}}};
        const int count = ::poll(watched.data(), watched.size(), deadline_.poll_ms(kCancelLookMs));
        if (count < 0 && errno != EINTR) return fail_errno(errno, "watch program", request_.argv[0]);
        if (count <= 0) return false;
        const bool ended = watched[2].revents != 0;
        output_.drain();
        error_.drain();
        return ended;
    }

    const RunRequest& request_;
    Deadline deadline_;
    RunningChild child_;
    Output output_;
    Output error_;
};

}  // namespace

Result<RunResult> run_program(const RunRequest& request) {
    if (request.argv.empty()) return fail(ErrorKind::invalid, "run program", {}, "no program is named");
    STASIS_TRY(auto output, make_pipe(request.argv[0]));
    STASIS_TRY(auto error, make_pipe(request.argv[0]));
    STASIS_TRY(const auto null, open_null());
    ChildSetup setup;
    setup.argv = request.argv;
    setup.standard_input = null.get();
    setup.standard_output = output.write.get();
    setup.standard_error = error.write.get();
    setup.address_space_max = request.address_space_max;
    STASIS_TRY(const auto pid, start_child(setup));
    output.write.reset();
    error.write.reset();
    return Run(request, pid, std::move(output.read), std::move(error.read)).finish();
}

}  // namespace stasis::seam::posix
