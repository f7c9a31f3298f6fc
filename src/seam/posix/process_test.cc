#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/undo.h"
#include "base/unique_fd.h"
#include "seam/posix/posix.h"
#include "seam/posix/proc_stat.h"
#include "seam/testing/temp_folder.h"

namespace stasis::seam {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

template <class T>
std::string outcome(const Result<T>& result) {
    return result ? "value" : std::string(to_string(result.error().kind));
}

class ProcessTest : public ::testing::Test {
protected:
    TempFolder folder;
    std::unique_ptr<FileSystem> files = make_posix_file_system();
    std::unique_ptr<ProcessRunner> runner = make_posix_process_runner();

    Result<RunResult> shell(const std::string& script) { return runner->run({.argv = {"sh", "-c", script}}); }
    std::string log() { return read_file(*files, folder.at("log"), 1 << 20).value_or("no log"); }
    SpawnRequest spawning(const std::string& script) {
        return {.argv = {"sh", "-c", script}, .log_path = folder.at("log")};
    }
    void expect_log(const SpawnRequest& request, const std::string& expected) {
        const auto process = runner->spawn(request);
        ASSERT_TRUE(process) << process.error().render();
        ASSERT_TRUE(runner->wait_gone(*process, 20s));
        EXPECT_EQ(log(), expected);
    }
};

TEST_F(ProcessTest, gives_both_outputs_and_the_exit_code) {
    const auto result = shell("echo out; echo err >&2; exit 3");
    ASSERT_TRUE(result) << result.error().render();
    EXPECT_EQ(result->exit_code, 3);
    EXPECT_EQ(result->standard_output, "out\n");
    EXPECT_EQ(result->standard_error, "err\n");
    EXPECT_EQ(shell("kill -9 $$")->exit_code, 128 + 9);
}

TEST_F(ProcessTest, passes_arguments_as_they_are) {
    const auto result = runner->run({.argv = {"printf", "%s|", "a b", "$HOME", "", "*;`x`"}});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->standard_output, "a b|$HOME||*;`x`|");
}

TEST_F(ProcessTest, says_why_a_program_cannot_be_run) {
    EXPECT_EQ(outcome(runner->run({.argv = {"no-such-program-here"}})), "not_found");
    EXPECT_EQ(outcome(runner->run({.argv = {"/no/such/program"}})), "not_found");
    EXPECT_EQ(outcome(runner->run({.argv = {}})), "invalid");
    EXPECT_EQ(outcome(runner->run({.argv = {""}})), "invalid");
    EXPECT_EQ(outcome(runner->run({.argv = {"echo", std::string("a\0b", 3)}})), "invalid");
    ASSERT_TRUE(replace_file(*files, folder.at("plain"), "text"));
    EXPECT_EQ(outcome(runner->run({.argv = {folder.at("plain")}})), "denied");
    EXPECT_THAT(runner->run({.argv = {"no-such-program-here"}}).error().render(), HasSubstr("no-such-program-here"));
}

TEST_F(ProcessTest, cuts_long_output_but_shows_all_of_it) {
    std::uint64_t seen = 0;
    const auto result = runner->run({.argv = {"head", "-c", "300000", "/dev/zero"},
                                     .output_bytes_max = 1000,
                                     .on_output = [&](std::string_view piece) { seen += piece.size(); }});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->exit_code, 0);
    EXPECT_EQ(result->standard_output.size(), 1000u);
    EXPECT_EQ(seen, 300'000u);
}

TEST_F(ProcessTest, kills_what_takes_too_long_with_its_children) {
    const auto begin = std::chrono::steady_clock::now();
    const auto result = runner->run({.argv = {"sh", "-c", "sleep 100 & sleep 100"}, .time_limit = 100ms});
    EXPECT_EQ(outcome(result), "failed");
    EXPECT_THAT(result.error().why, HasSubstr("100 ms"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
}

TEST_F(ProcessTest, does_not_wait_for_grandchildren_that_keep_the_output_open) {
    const auto begin = std::chrono::steady_clock::now();
    const auto result = shell("sleep 100 & echo $!");
    ASSERT_TRUE(result);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
    ::kill(static_cast<::pid_t>(std::stol(result->standard_output)), SIGKILL);
}

TEST_F(ProcessTest, stops_when_cancelled) {
    CancelToken cancel;
    const auto result = runner->run({.argv = {"sh", "-c", "echo started; exec sleep 100"},
                                     .on_output = [&](std::string_view) { cancel.cancel(); },
                                     .cancel = &cancel});
    EXPECT_EQ(outcome(result), "interrupted");
}

TEST_F(ProcessTest, limits_memory) {
    const auto result = runner->run({.argv = {"sh", "-c", "ulimit -v"}, .address_space_max = 512ull << 20});
    ASSERT_TRUE(result) << result.error().render();
    EXPECT_EQ(result->standard_output, std::to_string((512ull << 20) / 1024) + "\n");
}

TEST_F(ProcessTest, children_see_no_descriptor_and_no_signal_setting_of_ours) {
    const UniqueFd leak(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC: as a careless library would
    ASSERT_GE(leak.get(), 0);
    const auto number = std::to_string(leak.get());
    const auto old_handler = ::signal(SIGPIPE, SIG_IGN);
    ::sigset_t blocked, before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    const auto result = shell("test -e /proc/self/fd/" + number + " && echo leaked; grep -E 'Sig(Blk|Ign)' /proc/self/status");
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::signal(SIGPIPE, old_handler);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->standard_output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(ProcessTest, a_spawned_process_has_its_own_session_and_no_input) {
    expect_log(spawning("test $(ps -o sid= -p $$) -eq $$ && echo session; cat; echo end; echo err >&2"),
               "session\nend\nerr\n");
    EXPECT_EQ(files->stat(folder.at("log"))->mode, 0600u);
}

TEST_F(ProcessTest, a_log_is_appended_to) {
    expect_log(spawning("echo one"), "one\n");
    expect_log(spawning("echo two"), "one\ntwo\n");
}

TEST_F(ProcessTest, the_environment_is_ours_and_more) {
    ::setenv("STASIS_TEST_A", "a", 1);
    ::setenv("STASIS_TEST_B", "b", 1);
    const Undo undo([] {
        ::unsetenv("STASIS_TEST_A");
        ::unsetenv("STASIS_TEST_B");
    });
    auto request = spawning("echo $STASIS_TEST_A $STASIS_TEST_B $STASIS_TEST_C");
    request.environment = {{"STASIS_TEST_B", "other"}, {"STASIS_TEST_C", "c=d"}};
    expect_log(request, "a other c=d\n");
    request.environment = {{"A=B", "x"}};
    EXPECT_EQ(outcome(runner->spawn(request)), "invalid");
}

// A file that holds `text` and is at its start.
UniqueFd text_file(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

TEST_F(ProcessTest, descriptors_arrive_under_their_numbers_even_when_those_are_taken) {
    const auto a = text_file(folder.at("a"), "A");
    const auto b = text_file(folder.at("b"), "B");
    const auto c = text_file(folder.at("c"), "C");
    const auto show = [](int number) { return "cat /proc/self/fd/" + std::to_string(number) + "; "; };
    auto request = spawning(show(b.get()) + show(a.get()) + show(900));
    request.pass_fds = {{a.get(), b.get()}, {b.get(), a.get()}, {c.get(), 900}};  // two change places
    expect_log(request, "ABC");
}

TEST_F(ProcessTest, refuses_descriptors_that_cannot_be_passed) {
    for (const auto& pair : {std::pair{-1, 10}, std::pair{0, 2}, std::pair{0, 5000}}) {
        auto request = spawning("true");
        request.pass_fds = {pair};
        EXPECT_EQ(outcome(runner->spawn(request)), "invalid");
    }
    auto twice = spawning("true");
    twice.pass_fds = {{0, 10}, {1, 10}};
    EXPECT_EQ(outcome(runner->spawn(twice)), "invalid");
    auto closed = spawning("true");
    closed.pass_fds = {{999, 10}};
    EXPECT_EQ(outcome(runner->spawn(closed)), "failed") << "descriptor 999 is not open";
}

TEST_F(ProcessTest, a_missing_program_is_told_before_spawn_returns) {
    auto request = spawning("");
    request.argv = {"/no/such/program"};
    EXPECT_EQ(outcome(runner->spawn(request)), "not_found");
    request.argv = {};
    EXPECT_EQ(outcome(runner->spawn(request)), "invalid");
    request = spawning("true");
    request.log_path = "/no/such/folder/log";
    EXPECT_EQ(outcome(runner->spawn(request)), "not_found");
}

TEST_F(ProcessTest, signals_reach_that_very_process_only) {
    const auto process = runner->spawn(spawning("exec sleep 100"));
    ASSERT_TRUE(process);
    EXPECT_TRUE(runner->alive(*process).value());
    const SpawnedProcess other{process->pid, process->start_ticks + 1};  // the same id at another time
    EXPECT_FALSE(runner->alive(other).value());
    EXPECT_TRUE(runner->signal(other, SIGKILL));
    EXPECT_TRUE(runner->wait_gone(other, 0ms));
    EXPECT_TRUE(runner->alive(*process).value());
    EXPECT_EQ(outcome(runner->wait_gone(*process, 10ms)), "busy");
    ASSERT_TRUE(runner->signal(*process, SIGTERM));
    ASSERT_TRUE(runner->wait_gone(*process, 20s));
    EXPECT_FALSE(runner->alive(*process).value());
    EXPECT_EQ(::kill(static_cast<::pid_t>(process->pid), 0), -1) << "it was reaped";
    EXPECT_TRUE(runner->signal(*process, SIGKILL));
    EXPECT_TRUE(runner->wait_gone(*process, 0ms));
}

TEST_F(ProcessTest, nonsense_ids_are_gone_and_signal_nobody) {
    for (const std::int64_t pid : {0, -1}) {
        EXPECT_FALSE(runner->alive({pid, 0}).value());
        EXPECT_TRUE(runner->signal({pid, 0}, SIGKILL));
        EXPECT_TRUE(runner->wait_gone({pid, 0}, 0ms));
    }
}

TEST_F(ProcessTest, a_zombie_is_dead) {
    const auto process = runner->spawn(spawning("exit 0"));
    ASSERT_TRUE(process);
    ::siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<::id_t>(process->pid), &info, WEXITED | WNOWAIT), 0);
    EXPECT_FALSE(runner->alive(*process).value());
    EXPECT_TRUE(runner->wait_gone(*process, 0ms));
    EXPECT_EQ(::waitpid(static_cast<::pid_t>(process->pid), nullptr, WNOHANG), -1) << "wait_gone has reaped it";
}

TEST_F(ProcessTest, a_child_that_is_run_dies_with_its_parent) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd read_end(ends[0]);
    const ::pid_t tool = ::fork();
    if (tool == 0) {
        const auto tell = [&](std::string_view text) { (void)!::write(ends[1], text.data(), text.size()); };
        (void)make_posix_process_runner()->run({.argv = {"sh", "-c", "echo $$; exec sleep 100"}, .on_output = tell});
        ::_exit(0);
    }
    ::close(ends[1]);
    char text[32] = {};
    ASSERT_GT(::read(read_end.get(), text, sizeof text - 1), 0);
    const ::pid_t child = static_cast<::pid_t>(std::stol(text));
    const auto stat = posix::read_proc_stat(child).value();
    ASSERT_TRUE(stat);
    ::kill(tool, SIGKILL);
    ::waitpid(tool, nullptr, 0);
    EXPECT_TRUE(runner->wait_gone({child, stat->start_ticks}, 20s));
}

TEST(ProcStat, reads_names_with_anything_in_them) {
    const std::string tail = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20 21\n";
    for (const auto* name : {"(sh)", "(a b)", "(a) R 1 (b)", "()", "(\n)"}) {
        const auto stat = posix::parse_proc_stat("42 " + std::string(name) + tail);
        ASSERT_TRUE(stat) << name;
        EXPECT_EQ(stat->state, 'S');
        EXPECT_EQ(stat->start_ticks, 987654u);
    }
}

TEST(ProcStat, refuses_other_text) {
    for (const auto* text : {"", "42", "42 (sh", "42 (sh)", "42 (sh) ", "42 (sh) S", "42 (sh) S 1 2 3",
                             "42 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x 20",
                             "42 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99999999999999999999 20"})
        EXPECT_EQ(outcome(posix::parse_proc_stat(text)), "corrupt") << text;
}

TEST(ProcStat, knows_zombies) {
    EXPECT_TRUE((posix::ProcStat{'Z', 1}).ended());
    EXPECT_TRUE((posix::ProcStat{'X', 1}).ended());
    EXPECT_FALSE((posix::ProcStat{'T', 1}).ended());
}

}  // namespace
}  // namespace stasis::seam
