#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "seam/posix/child.h"
#include "seam/posix/posix.h"
#include "seam/posix/proc_stat.h"
#include "seam/posix/run.h"
#include "seam/posix/system.h"

namespace stasis::seam {

namespace {

using namespace posix;

Result<UniqueFd> open_log(const std::string& path) {
    STASIS_CHECK(check_path("open log", path));
    UniqueFd log(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!log) return fail_errno(errno, "open log", path);
    struct ::stat status{};
    if (::fstat(log.get(), &status) != 0 || ::fchmod(log.get(), 0600) != 0) return fail_errno(errno, "open log", path);
    if (!S_ISREG(status.st_mode)) return fail(ErrorKind::invalid, "open log", path, "it is not a file");
    return log;
}

// A handle on that very process; none when it is gone. The handle is opened first: what is checked afterwards holds
// for it, even if the id is given to another process in between. Zombies of the process count as the process.
Result<UniqueFd> open_process(const SpawnedProcess& process) {
    if (process.pid <= 0) return UniqueFd();
    UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<::pid_t>(process.pid), 0)));
    if (!handle && errno == ESRCH) return UniqueFd();
    if (!handle) return fail_errno(errno, "open process", std::to_string(process.pid));
    STASIS_TRY(const auto stat, read_proc_stat(process.pid));
    if (!stat || stat->start_ticks != process.start_ticks) return UniqueFd();
    return handle;
}

// Ends a zombie of ours; not our child: nothing to do.
void reap(int handle) {
    ::siginfo_t ignored{};
    retrying([&] { return ::waitid(static_cast<::idtype_t>(P_PIDFD), static_cast<::id_t>(handle), &ignored, WEXITED | WNOHANG); });
}

class PosixProcessRunner final : public ProcessRunner {
public:
    Result<RunResult> run(const RunRequest& request) override { return run_program(request); }

    Result<SpawnedProcess> spawn(const SpawnRequest& request) override {
        STASIS_TRY(const auto log, open_log(request.log_path));
        STASIS_TRY(const auto null, open_null());
        ChildSetup setup;
        setup.argv = request.argv;
        setup.environment = request.environment;
        setup.standard_input = null.get();
        setup.standard_output = log.get();
        setup.standard_error = log.get();
        setup.pass_fds = request.pass_fds;
        setup.own_session = true;
        STASIS_TRY(const auto pid, start_child(setup));
        // Even if it has ended since, it stays a zombie, with its start time, until we reap it.
        STASIS_TRY(const auto stat, read_proc_stat(pid));
        if (!stat) return fail(ErrorKind::failed, "start program", request.argv[0], "it vanished");
        return SpawnedProcess{pid, stat->start_ticks};
    }

    Result<bool> alive(const SpawnedProcess& process) override {
        STASIS_TRY(const auto stat, read_proc_stat(process.pid));
        return stat && stat->start_ticks == process.start_ticks && !stat->ended();
    }

    Result<void> signal(const SpawnedProcess& process, int number) override {
        STASIS_TRY(const auto handle, open_process(process));
        if (!handle) return {};
        if (::syscall(SYS_pidfd_send_signal, handle.get(), number, nullptr, 0) != 0 && errno != ESRCH)
            return fail_errno(errno, fmt::format("send signal {} to process", number), std::to_string(process.pid));
        return {};
    }

    Result<void> wait_gone(const SpawnedProcess& process, std::chrono::milliseconds limit) override {
        const Deadline deadline(limit);
        STASIS_TRY(const auto handle, open_process(process));
        if (!handle) return {};
        for (;;) {
            ::pollfd watched{handle.get(), POLLIN, 0};
            const int count = ::poll(&watched, 1, deadline.poll_ms());
            if (count > 0) break;
            if (count < 0 && errno != EINTR) return fail_errno(errno, "wait for process", std::to_string(process.pid));
            if (deadline.passed())
                return fail(ErrorKind::busy, "wait for the end of process", std::to_string(process.pid),
                            fmt::format("it still runs after {} ms", limit.count()));
        }
        reap(handle.get());
        return {};
    }
};

}  // namespace

std::unique_ptr<ProcessRunner> make_posix_process_runner() { return std::make_unique<PosixProcessRunner>(); }

}  // namespace stasis::seam
