#include <cerrno>
#include <ctime>

#include "seam/posix/posix.h"

namespace stasis::seam {

namespace {

class PosixClock final : public Clock {
public:
    UnixMicros now() const override {
        const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
        return {std::chrono::floor<std::chrono::microseconds>(since_epoch).count()};
    }

    std::chrono::nanoseconds steady() const override { return std::chrono::steady_clock::now().time_since_epoch(); }

    void sleep(std::chrono::nanoseconds duration) override {
        if (duration.count() <= 0) return;
        const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
        ::timespec left{seconds.count(), (duration - seconds).count()};
        while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) continue;
    }
};

}  // namespace

std::unique_ptr<Clock> make_posix_clock() { return std::make_unique<PosixClock>(); }

}  // namespace stasis::seam
