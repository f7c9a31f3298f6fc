// A clock that moves only when a test (or a sleeper) moves it. Any thread.
#pragma once

#include <atomic>

#include "seam/clock.h"

namespace stasis::seam {

class ManualClock final : public Clock {
public:
    explicit ManualClock(UnixMicros start = {1'700'000'000'000'000}) : now_us_(start.value) {}

    [[nodiscard]] UnixMicros now() const override { return {now_us_}; }
    [[nodiscard]] std::chrono::nanoseconds steady() const override { return std::chrono::nanoseconds(steady_ns_); }
    void sleep(std::chrono::nanoseconds duration) override { advance(duration); }

    /// Both times go on.
    void advance(std::chrono::nanoseconds duration) {
        steady_ns_ += duration.count();
        now_us_ += std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    }
    /// Somebody sets the host's clock: steady() does not notice.
    void set(UnixMicros now) { now_us_ = now.value; }

private:
    std::atomic<std::int64_t> now_us_;
    std::atomic<std::int64_t> steady_ns_{0};
};

}  // namespace stasis::seam
