#include <csignal>

#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seam/testing/scripted_channel.h"
#include "seam/testing/scripted_process.h"

namespace stasis::seam {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace std::chrono_literals;

TEST(ScriptedProcessRunner, plays_runs_in_order) {
    ScriptedProcessRunner runner;
    runner.expect_run({"qemu-img", "info", "*"}, RunResult{0, "{}", ""});
    runner.expect_run({"false"}, RunResult{1, "", "no"});
    std::string seen;
    const auto first = runner.run({.argv = {"qemu-img", "info", "/x"}, .on_output = [&](std::string_view s) { seen += s; }});
    ASSERT_TRUE(first);
    EXPECT_EQ(first->standard_output, "{}");
    EXPECT_EQ(seen, "{}");
    EXPECT_FALSE(runner.finished());
    EXPECT_EQ(runner.run({.argv = {"false"}})->exit_code, 1);
    EXPECT_TRUE(runner.finished());
}

TEST(ScriptedProcessRunner, refuses_what_is_not_in_the_script) {
    ScriptedProcessRunner runner;
    runner.expect_run({"a"}, RunResult{});
    EXPECT_FALSE(runner.run({.argv = {"a", "b"}}));
    EXPECT_FALSE(runner.spawn({.argv = {"a"}}));
    EXPECT_FALSE(runner.finished());
    EXPECT_THAT(runner.mismatches(), ElementsAre("expected run a, got run a b", "expected run a, got spawn a"));
}

TEST(ScriptedProcessRunner, spawned_processes_live_until_signalled) {
    ScriptedProcessRunner runner;
    runner.expect_spawn({"qemu"});
    runner.expect_spawn({"qemu"}, fail(ErrorKind::not_found, "start", "qemu", "missing"));
    const auto process = runner.spawn({.argv = {"qemu"}, .log_path = "/log"});
    ASSERT_TRUE(process);
    EXPECT_FALSE(runner.spawn({.argv = {"qemu"}}));
    EXPECT_EQ(runner.spawned().front().log_path, "/log");
    EXPECT_TRUE(runner.alive(*process).value());
    EXPECT_FALSE(runner.alive({process->pid, process->start_ticks + 1}).value());
    runner.make_stubborn(process->pid);
    ASSERT_TRUE(runner.signal(*process, SIGTERM));
    EXPECT_FALSE(runner.wait_gone(*process, 1s));
    ASSERT_TRUE(runner.signal(*process, SIGKILL));
    EXPECT_TRUE(runner.wait_gone(*process, 1s));
    EXPECT_THAT(runner.signals(), SizeIs(2));
}

TEST(ScriptedChannel, greets_answers_and_hangs_up) {
    const auto peer = std::make_shared<ScriptedPeer>();
    peer->say("hello\n").expect("\"quit\"", "bye\n").hang_up();
    ScriptedChannelFactory factory;
    factory.place("/run/s", peer);
    const auto channel = factory.connect("/run/s");
    ASSERT_TRUE(channel);
    EXPECT_EQ((*channel)->receive(0ms).value(), "hello\n");
    EXPECT_EQ((*channel)->receive(0ms).value(), "");
    ASSERT_TRUE((*channel)->send("{\"execute\":", {}));
    EXPECT_EQ((*channel)->receive(0ms).value(), "") << "half a line is no line";
    ASSERT_TRUE((*channel)->send("\"quit\"}\n", {}));
    EXPECT_EQ((*channel)->receive(0ms).value(), "bye\n");
    const auto end = (*channel)->receive(0ms);
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().why, "connection closed");
    EXPECT_FALSE((*channel)->send("more\n", {}));
    EXPECT_TRUE(peer->finished());
    EXPECT_THAT(peer->lines(), ElementsAre("{\"execute\":\"quit\"}"));
    EXPECT_FALSE(factory.connect("/run/s"));
}

TEST(ScriptedChannel, refuses_what_is_not_in_the_script) {
    const auto peer = std::make_shared<ScriptedPeer>();
    peer->expect("stop");
    const auto channel = make_scripted_channel(peer);
    const auto sent = channel->send("cont\n", {});
    ASSERT_FALSE(sent);
    EXPECT_THAT(sent.error().render(), HasSubstr("expected stop, got cont"));
    EXPECT_FALSE(peer->finished());
}

TEST(ScriptedChannel, keeps_the_descriptors_it_is_sent) {
    const auto peer = std::make_shared<ScriptedPeer>();
    peer->expect_with("getfd", [](const std::string& line) { return "got " + line + "\n"; });
    const auto channel = make_scripted_channel(peer);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd read_end(ends[0]);
    {
        const UniqueFd write_end(ends[1]);
        ASSERT_TRUE(channel->send("getfd\n", std::span<const int>(&ends[1], 1)));
    }
    EXPECT_EQ(channel->receive(0ms).value(), "got getfd\n");
    ASSERT_THAT(peer->descriptors(), SizeIs(1));
    ASSERT_EQ(::write(peer->descriptors()[0].get(), "x", 1), 1);
    char byte = 0;
    ASSERT_EQ(::read(read_end.get(), &byte, 1), 1);
    EXPECT_EQ(byte, 'x');
}

}  // namespace
}  // namespace stasis::seam
