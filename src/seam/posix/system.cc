#include "seam/posix/system.h"

#include <algorithm>

namespace stasis::seam::posix {

namespace {
// Longer waits are as good as this one, and a sum with any time point cannot overflow.
constexpr std::chrono::hours kWaitMax{24 * 365};
}  // namespace

Result<void> check_path(const std::string& attempted, const std::string& path) {
    if (path.empty() || path[0] != '/')
        return fail(ErrorKind::invalid, attempted, path, "the path is not absolute");
    if (path.find('\0') != std::string::npos)
        return fail(ErrorKind::invalid, attempted, path, "the path contains a NUL byte");
    return {};
}

Deadline::Deadline(std::chrono::milliseconds wait)
    : end_(SteadyClock::now() + std::min<std::chrono::milliseconds>(wait, kWaitMax)) {}

int Deadline::poll_ms(int cap) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - SteadyClock::now()).count();
    return static_cast<int>(std::clamp<decltype(left)>(left, 0, cap));
}

}  // namespace stasis::seam::posix
