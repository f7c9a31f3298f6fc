// Child processes: short ones that are waited for (qemu-img), and guests, which get their own session and outlive
// us. No shell is ever involved. Bodies: posix/ and testing/ (scripted). One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <stasis/progress.h>

#include "base/result.h"

namespace stasis::seam {

struct RunRequest {
    std::vector<std::string> argv;               ///< argv[0] is looked up in PATH
    std::chrono::milliseconds time_limit{60'000};  ///< then killed; zero: none
    std::uint64_t output_bytes_max = 1 << 20;    ///< more is cut
    std::uint64_t address_space_max = 0;         ///< bytes; 0: no limit
    std::function<void(std::string_view)> on_output;  ///< each piece of standard output as it comes; may be empty
    const CancelToken* cancel = nullptr;         ///< cancelled: killed, interrupted
};

struct RunResult {
    int exit_code = 0;                           ///< 128+n: killed by signal n
    std::string standard_output;
    std::string standard_error;
};

struct SpawnRequest {
    std::vector<std::string> argv;
    std::vector<std::pair<std::string, std::string>> environment;  ///< added to ours
    std::string log_path;                        ///< standard output and error are appended; made 0600
    std::vector<std::pair<int, int>> pass_fds;   ///< our descriptor, number in the child
};

struct SpawnedProcess {
    std::int64_t pid = 0;
    std::uint64_t start_ticks = 0;
};

class ProcessRunner {
public:
    virtual ~ProcessRunner() = default;
    virtual Result<RunResult> run(const RunRequest& request) = 0;
    /// Starts it in its own session, standard input from /dev/null. not_found when the program is missing.
    virtual Result<SpawnedProcess> spawn(const SpawnRequest& request) = 0;
    /// Whether that very process (same start time) still exists and is no zombie.
    virtual Result<bool> alive(const SpawnedProcess& process) = 0;
    /// Sends the signal to that very process; gone: fine.
    virtual Result<void> signal(const SpawnedProcess& process, int number) = 0;
    /// Waits for its end; busy when it has not ended in time. Reaps it when it is our child.
    virtual Result<void> wait_gone(const SpawnedProcess& process, std::chrono::milliseconds limit) = 0;
};

}  // namespace stasis::seam
