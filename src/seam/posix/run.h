// Runs one short program to its end, gathering what it prints. Internal to posix/process.cc.
#pragma once

#include "seam/process.h"

namespace stasis::seam::posix {

/// See ProcessRunner::run.
Result<RunResult> run_program(const RunRequest& request);

}  // namespace stasis::seam::posix
