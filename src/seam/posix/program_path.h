// Where programs are: the search in PATH, done by us so that a child needs no lookup after the fork. Any thread that
// does not race with setenv.
#pragma once

#include <string>

#include "base/result.h"

namespace stasis::seam::posix {

/// The path to execute for argv[0]. A name with a slash is returned as it is. not_found when no absolute folder of PATH
/// has it; denied when one has it but not executable.
Result<std::string> find_program(const std::string& name);

}  // namespace stasis::seam::posix
