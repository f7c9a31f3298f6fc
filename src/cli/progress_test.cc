#include "cli/progress.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/test_host.h"

namespace stasis::cli {
namespace {

using std::chrono::milliseconds;

class ProgressTest : public ::testing::Test {
protected:
    // Tells the view of `done` bytes `after` the start of the command.
    void at(milliseconds after, std::uint64_t done, std::uint64_t total, std::string_view activity = "saving memory") {
        program.now = std::chrono::steady_clock::time_point() + after;
        view->progress({activity, done, total});
    }
    void begin() { view.emplace(program.environment, reporter); }

    testing::TestProgram program;
    Globals globals;
    Reporter reporter{program.environment, globals};
    std::optional<ProgressView> view;
};

TEST(Pace, RateAndTimeLeft) {
    const Pace pace = pace_of(200 << 20, 100 << 20, milliseconds(2000));
    EXPECT_EQ(pace.bytes_per_second, 100U << 20);
    EXPECT_EQ(pace.seconds_left, 2U);  // a second, rounded up: never "0 s left" with work left
}

TEST(Pace, SaysNothingItCannotKnow) {
    EXPECT_FALSE(pace_of(100, 100, milliseconds(0)).bytes_per_second);
    EXPECT_FALSE(pace_of(0, 100, milliseconds(1000)).bytes_per_second);
    EXPECT_FALSE(pace_of(100, 0, milliseconds(1000)).seconds_left);
    EXPECT_FALSE(pace_of(1, ~0ULL, milliseconds(100'000)).seconds_left);
}

TEST_F(ProgressTest, APipeSeesNothing) {
    begin();
    at(milliseconds(0), 0, 100);
    at(milliseconds(5000), 50, 100);
    EXPECT_EQ(program.err.str() + program.out.str(), "");
}

TEST_F(ProgressTest, ATerminalSeesNothingForTheFirstSecond) {
    program.environment.err_is_terminal = true;
    begin();
    at(milliseconds(0), 0, 100);
    at(milliseconds(999), 50, 100);
    EXPECT_EQ(program.err.str(), "");
}

TEST_F(ProgressTest, ATerminalSeesOneLineThatIsClearedAtTheEnd) {
    program.environment.err_is_terminal = true;
    begin();
    at(milliseconds(0), 0, 400 << 20);
    at(milliseconds(2000), 200 << 20, 400 << 20);
    EXPECT_EQ(program.err.str(), "\r\x1b[Ksaving memory: 200 MiB of 400 MiB (50 %), 100 MiB/s, 3 s left");
    at(milliseconds(2100), 210 << 20, 400 << 20);  // too soon to redraw
    program.err.str({});
    view->clear();
    EXPECT_EQ(program.err.str(), "\r\x1b[K");
    view->clear();
    EXPECT_EQ(program.err.str(), "\r\x1b[K");
}

TEST_F(ProgressTest, ALineIsCutBeforeTheEdge) {
    program.environment.err_is_terminal = true;
    program.environment.terminal_columns = 10;
    begin();
    at(milliseconds(1500), 1, 0, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc");
    EXPECT_EQ(program.err.str(), "\r\x1b[K\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc");
}

TEST_F(ProgressTest, ANoteTakesTheLineOffFirst) {
    program.environment.err_is_terminal = true;
    begin();
    at(milliseconds(1500), 1, 2);
    program.err.str({});
    view->note("fell back");
    EXPECT_EQ(program.err.str(), "\r\x1b[Kstasis: note: fell back\n");
}

TEST_F(ProgressTest, QuietShowsNothing) {
    program.environment.err_is_terminal = true;
    globals.quiet = true;
    begin();
    at(milliseconds(1500), 1, 2);
    view->note("fell back");
    EXPECT_EQ(program.err.str(), "");
}

TEST_F(ProgressTest, JsonGetsAStatusLineNowAndThen) {
    globals.json = true;
    begin();
    at(milliseconds(0), 0, 1000);
    at(milliseconds(1000), 500, 1000);
    at(milliseconds(1500), 600, 1000);
    const auto line = nlohmann::json::parse(program.out.str());  // one only, or this would throw
    EXPECT_EQ(line, (nlohmann::json{{"message_type", "status"},
                                    {"activity", "saving memory"},
                                    {"done_bytes", 500},
                                    {"total_bytes", 1000},
                                    {"bytes_per_second", 500},
                                    {"seconds_left", 2}}));
}

TEST_F(ProgressTest, ARateBelongsToItsActivity) {
    globals.json = true;
    begin();
    at(milliseconds(0), 0, 1000, "a");
    at(milliseconds(3000), 0, 1000, "b");
    program.out.str({});
    at(milliseconds(4000), 100, 1000, "b");
    EXPECT_EQ(nlohmann::json::parse(program.out.str())["bytes_per_second"], 100);
}

}  // namespace
}  // namespace stasis::cli
