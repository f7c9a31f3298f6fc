// Time from outside. now() may jump when the host's clock is set; steady() never does. Any thread.
#pragma once

#include <chrono>

#include <stasis/types.h>

namespace stasis::seam {

class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual UnixMicros now() const = 0;                       ///< UTC
    [[nodiscard]] virtual std::chrono::nanoseconds steady() const = 0;      ///< since an arbitrary point
    virtual void sleep(std::chrono::nanoseconds duration) = 0;
};

}  // namespace stasis::seam
