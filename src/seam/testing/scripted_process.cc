#include "seam/testing/scripted_process.h"

#include <algorithm>
#include <csignal>

#include <fmt/format.h>

namespace stasis::seam {

namespace {

bool matches(const std::vector<std::string>& expected, const std::vector<std::string>& argv) {
    return std::ranges::equal(expected, argv, [](const auto& want, const auto& got) { return want == "*" || want == got; });
}

std::string line_of(bool is_spawn, const std::vector<std::string>& argv) {
    return fmt::format("{} {}", is_spawn ? "spawn" : "run", fmt::join(argv, " "));
}

// Process ids are never given out twice here, so the start time can be derived from them.
SpawnedProcess process_of(std::int64_t pid) { return {pid, static_cast<std::uint64_t>(pid) * 10}; }

}  // namespace

void ScriptedProcessRunner::expect_run(std::vector<std::string> argv, Result<RunResult> result) {
    script_.push_back({false, std::move(argv), std::move(result)});
}

void ScriptedProcessRunner::expect_spawn(std::vector<std::string> argv, Result<void> result) {
    Result<RunResult> outcome;
    if (!result) outcome = std::unexpected(std::move(result).error());
    script_.push_back({true, std::move(argv), std::move(outcome)});
}

Result<RunResult> ScriptedProcessRunner::next(bool is_spawn, const std::vector<std::string>& argv) {
    if (script_.empty() || script_.front().is_spawn != is_spawn || !matches(script_.front().argv, argv)) {
        const auto expected = script_.empty() ? "nothing" : line_of(script_.front().is_spawn, script_.front().argv);
        mismatches_.push_back(fmt::format("expected {}, got {}", expected, line_of(is_spawn, argv)));
        return fail(ErrorKind::invalid, "follow script", {}, mismatches_.back());
    }
    auto result = std::move(script_.front().result);
    script_.pop_front();
    return result;
}

Result<RunResult> ScriptedProcessRunner::run(const RunRequest& request) {
    STASIS_TRY(auto result, next(false, request.argv));
    if (request.on_output) request.on_output(result.standard_output);
    return result;
}

Result<SpawnedProcess> ScriptedProcessRunner::spawn(const SpawnRequest& request) {
    spawned_.push_back(request);
    STASIS_CHECK(next(true, request.argv));
    alive_.insert(++last_pid_);
    return process_of(last_pid_);
}

Result<bool> ScriptedProcessRunner::alive(const SpawnedProcess& process) {
    return alive_.contains(process.pid) && process.start_ticks == process_of(process.pid).start_ticks;
}

Result<void> ScriptedProcessRunner::signal(const SpawnedProcess& process, int number) {
    STASIS_TRY(const bool there, alive(process));
    if (!there) return {};
    signals_.emplace_back(process.pid, number);
    if (number == SIGKILL || !stubborn_.contains(process.pid)) alive_.erase(process.pid);
    return {};
}

Result<void> ScriptedProcessRunner::wait_gone(const SpawnedProcess& process, std::chrono::milliseconds limit) {
    STASIS_TRY(const bool there, alive(process));
    if (!there) return {};
    return fail(ErrorKind::busy, "wait for the end of process", std::to_string(process.pid),
                fmt::format("it still runs after {} ms", limit.count()));
}

}  // namespace stasis::seam
