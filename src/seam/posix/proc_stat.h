// What /proc/PID/stat says of a process: enough to tell it from another one that got the same id later. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace stasis::seam::posix {

struct ProcStat {
    char state = '?';               ///< field 3: 'R', 'S', 'Z', ...
    std::uint64_t start_ticks = 0;  ///< field 22: clock ticks after boot

    [[nodiscard]] bool ended() const { return state == 'Z' || state == 'X' || state == 'x'; }
};

/// corrupt when the text is no such line. The program's name in it may contain spaces and parentheses.
Result<ProcStat> parse_proc_stat(std::string_view text);

/// None: there is no such process.
Result<std::optional<ProcStat>> read_proc_stat(std::int64_t pid);

}  // namespace stasis::seam::posix
