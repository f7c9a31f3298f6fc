// A ProcessRunner that plays a script: each run() and spawn() must be the next one expected. Spawned processes "live"
// until they are signalled or a test ends them. One thread.
#pragma once

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "seam/process.h"

namespace stasis::seam {

class ScriptedProcessRunner final : public ProcessRunner {
public:
    /// The next program run must have exactly this argv ("*" stands for any one argument) and ends like this.
    void expect_run(std::vector<std::string> argv, Result<RunResult> result);
    /// The next process spawned must have this argv; it starts with a fresh id, or fails.
    void expect_spawn(std::vector<std::string> argv, Result<void> result = {});

    /// All that was expected has happened, and nothing else.
    [[nodiscard]] bool finished() const { return script_.empty() && mismatches_.empty(); }
    [[nodiscard]] const std::vector<std::string>& mismatches() const { return mismatches_; }
    [[nodiscard]] const std::vector<SpawnRequest>& spawned() const { return spawned_; }
    [[nodiscard]] const std::vector<std::pair<std::int64_t, int>>& signals() const { return signals_; }
    /// A process that ignores everything but SIGKILL.
    void make_stubborn(std::int64_t pid) { stubborn_.insert(pid); }
    void end(std::int64_t pid) { alive_.erase(pid); }

    Result<RunResult> run(const RunRequest& request) override;
    Result<SpawnedProcess> spawn(const SpawnRequest& request) override;
    Result<bool> alive(const SpawnedProcess& process) override;
    Result<void> signal(const SpawnedProcess& process, int number) override;
    Result<void> wait_gone(const SpawnedProcess& process, std::chrono::milliseconds limit) override;

private:
    struct Entry {
        bool is_spawn;
        std::vector<std::string> argv;
        Result<RunResult> result;
    };
    Result<RunResult> next(bool is_spawn, const std::vector<std::string>& argv);

    std::deque<Entry> script_;
    std::vector<std::string> mismatches_;
    std::vector<SpawnRequest> spawned_;
    std::vector<std::pair<std::int64_t, int>> signals_;
    std::set<std::int64_t> alive_, stubborn_;
    std::int64_t last_pid_ = 1000;
};

}  // namespace stasis::seam
