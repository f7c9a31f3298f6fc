#include <ctime>

#include <gtest/gtest.h>

#include "seam/posix/posix.h"

namespace stasis::seam {
namespace {

using namespace std::chrono_literals;

TEST(PosixClock, tells_utc_and_never_goes_back) {
    const auto clock = make_posix_clock();
    const auto seconds = static_cast<std::int64_t>(std::time(nullptr));
    EXPECT_NEAR(static_cast<double>(clock->now().value / 1'000'000), static_cast<double>(seconds), 5.0);
    const auto first = clock->steady();
    EXPECT_GE(clock->steady(), first);
}

TEST(PosixClock, sleeps_at_least_as_long_as_told) {
    const auto clock = make_posix_clock();
    const auto begin = clock->steady();
    clock->sleep(5ms);
    EXPECT_GE(clock->steady() - begin, 5ms);
    clock->sleep(-1s);
    clock->sleep(0s);
}

}  // namespace
}  // namespace stasis::seam
