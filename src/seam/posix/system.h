// Small helpers shared by the bodies of this folder: interrupted calls, deadlines, checked paths. Any thread.
#pragma once

#include <cerrno>
#include <chrono>
#include <string>

#include "base/result.h"

namespace stasis::seam::posix {

/// Calls again as long as a signal interrupts.
template <class Call>
auto retrying(Call call) {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

/// invalid unless the path is absolute and free of NUL bytes, at which C strings would silently end.
Result<void> check_path(const std::string& attempted, const std::string& path);

/// A point in time up to which one waits.
class Deadline {
public:
    using SteadyClock = std::chrono::steady_clock;
    explicit Deadline(std::chrono::milliseconds wait);
    [[nodiscard]] bool passed() const { return SteadyClock::now() >= end_; }
    /// For poll(): milliseconds left, rounded up, at most `cap`; never negative.
    [[nodiscard]] int poll_ms(int cap = 1'000'000) const;

private:
    SteadyClock::time_point end_;
};

}  // namespace stasis::seam::posix
