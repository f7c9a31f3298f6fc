// Forks and executes one prepared child. Everything that allocates happens before the fork, in the parent, so that
// this works in a process with threads. One call at a time per object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace stasis::seam::posix {

/// What the child is to be.
struct ChildSetup {
    std::vector<std::string> argv;
    std::vector<std::pair<std::string, std::string>> environment;  ///< added to ours, replacing what has the same name
    int standard_input = -1;
    int standard_output = -1;
    int standard_error = -1;
    std::vector<std::pair<int, int>> pass_fds;  ///< our descriptor, number in the child (3 to 1023)
    bool own_session = false;                   ///< and it outlives us; false: own process group, dies with our thread
    std::uint64_t address_space_max = 0;        ///< 0: no limit
};

/// Starts it and returns its process id once the program is executing. not_found, denied or failed when it cannot be.
Result<::pid_t> start_child(const ChildSetup& setup);

/// A descriptor of /dev/null, closed on exec.
Result<UniqueFd> open_null();

}  // namespace stasis::seam::posix
