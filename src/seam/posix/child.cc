#include "seam/posix/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "seam/posix/program_path.h"
#include "seam/posix/system.h"

namespace stasis::seam::posix {

namespace {

constexpr int kPassedNumberMax = 1023;
constexpr ::rlim_t kSweepMax = 65'536;  // descriptors looked at where the kernel has no close_range()

// C strings for exec, made before the fork.
class StringArray {
public:
    explicit StringArray(std::vector<std::string> strings) : strings_(std::move(strings)) {
        for (auto& text : strings_) pointers_.push_back(text.data());
        pointers_.push_back(nullptr);
    }
    StringArray(const StringArray&) = delete;
    StringArray& operator=(const StringArray&) = delete;
    [[nodiscard]] char* const* get() const { return pointers_.data(); }

private:
    std::vector<std::string> strings_;
    std::vector<char*> pointers_;
};

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& added) {
    std::vector<std::string> result;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto name = text.substr(0, text.find('='));
        const bool replaced = std::ranges::any_of(added, [&](const auto& pair) { return pair.first == name; });
        if (!replaced) result.emplace_back(text);
    }
    for (const auto& [name, value] : added) result.push_back(name + "=" + value);
    return result;
}

Result<void> check_setup(const ChildSetup& setup) {
    const auto refuse = [](std::string why) {
        return fail(ErrorKind::invalid, "start program", {}, std::move(why));
    };
    if (setup.argv.empty()) return refuse("no program is named");
    for (const auto& argument : setup.argv)
        if (argument.find('\0') != std::string::npos) return refuse("an argument contains a NUL byte");
    for (const auto& [name, value] : setup.environment) {
        if (name.empty() || name.find('=') != std::string::npos || (name + value).find('\0') != std::string::npos)
            return refuse(fmt::format("'{}' is no environment variable", name));
    }
    std::set<int> numbers;
    for (const auto& [ours, number] : setup.pass_fds) {
        if (ours < 0 || number < 3 || number > kPassedNumberMax || !numbers.insert(number).second)
            return refuse(fmt::format("descriptor {} cannot be passed as {}", ours, number));
    }
    return {};
}

// What is known before the fork. The child only makes system calls on it.
struct Launch {
    const char* program;
    char* const* argv;
    char* const* environment;
    const ChildSetup* setup;
    std::vector<std::pair<int, int>> descriptors;  // ours, number in the child
    int spare_number;                              // above every number of `descriptors`
    int report;                                    // errno is written here when the program cannot be executed
    ::pid_t parent;
};

// ---- from here to the next such line: runs in the child, async-signal-safe calls only ----

void close_others_on_exec() {
    if (::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = kSweepMax;
    const int end = static_cast<int>(std::min(limit.rlim_cur, kSweepMax));
    for (int descriptor = 3; descriptor < end; ++descriptor) ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

// Two passes: first everything is moved out of the way, so that no wanted number is overwritten before it was copied.
bool place_descriptors(Launch& launch) {
    for (auto& [ours, number] : launch.descriptors) {
        ours = ::fcntl(ours, F_DUPFD_CLOEXEC, launch.spare_number);
        if (ours < 0) return false;
    }
    launch.report = ::fcntl(launch.report, F_DUPFD_CLOEXEC, launch.spare_number);
    if (launch.report < 0) return false;
    for (const auto& [ours, number] : launch.descriptors)
        if (::dup2(ours, number) < 0) return false;
    return true;
}

void reset_signals() {
    struct ::sigaction action{};
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);  // KILL and STOP refuse: fine
    ::sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool leave_parent(const Launch& launch) {
    if (launch.setup->own_session) return ::setsid() >= 0;
    // A tool that waits for its child must not leave it writing to an image when it is killed itself.
    if (::setpgid(0, 0) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
    return ::getppid() == launch.parent;
}

bool limit_memory(std::uint64_t bytes) {
    if (bytes == 0) return true;
    const ::rlimit limit{bytes, bytes};
    return ::setrlimit(RLIMIT_AS, &limit) == 0;
}

[[noreturn]] void become(Launch& launch) {
    const int report_before = launch.report;
    close_others_on_exec();
    if (place_descriptors(launch) && leave_parent(launch) && limit_memory(launch.setup->address_space_max)) {
        reset_signals();
        ::execve(launch.program, launch.argv, launch.environment);
    }
    const int reason = errno;
    (void)!::write(launch.report >= 0 ? launch.report : report_before, &reason, sizeof reason);
    ::_exit(127);
}

// ---- end of the child's part ----

// Forks with all signals blocked: no handler of ours may run in the child.
::pid_t fork_quietly(Launch& launch) {
    ::sigset_t all;
    ::sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const ::pid_t pid = ::fork();
    if (pid == 0) become(launch);
    const int reason = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = reason;
    return pid;
}

// Waits until the child executes its program (the pipe closes) or says why it cannot.
Result<void> await_exec(int report, ::pid_t pid, const std::string& program) {
    int reason = 0;
    const auto count = retrying([&] { return ::read(report, &reason, sizeof reason); });
    if (count == 0) return {};
    const int read_error = errno;
    retrying([&] { return ::waitpid(pid, nullptr, 0); });
    return fail_errno(count < 0 ? read_error : reason, "run program", program);
}

}  // namespace

Result<::pid_t> start_child(const ChildSetup& setup) {
    STASIS_CHECK(check_setup(setup));
    STASIS_TRY(const auto program, find_program(setup.argv[0]));
    const StringArray argv(setup.argv);
    const StringArray environment(environment_with(setup.environment));
    int pipe_ends[2];
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return fail_errno(errno, "run program", program);
    const UniqueFd report_read(pipe_ends[0]);
    UniqueFd report_write(pipe_ends[1]);

    Launch launch{program.c_str(), argv.get(), environment.get(), &setup, setup.pass_fds, 3, report_write.get(), ::getpid()};
    launch.descriptors.insert(launch.descriptors.begin(), {{setup.standard_input, 0},
                                                           {setup.standard_output, 1},
                                                           {setup.standard_error, 2}});
    for (const auto& [ours, number] : launch.descriptors) launch.spare_number = std::max(launch.spare_number, number + 1);

    const ::pid_t pid = fork_quietly(launch);
    if (pid < 0) return fail_errno(errno, "run program", program);
    report_write.reset();
    STASIS_CHECK(await_exec(report_read.get(), pid, program));
    return pid;
}

Result<UniqueFd> open_null() {
    UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null) return fail_errno(errno, "open", "/dev/null");
    return null;
}

}  // namespace stasis::seam::posix
