// Kernel locks with a name tag: flock(2) on a file whose text says who holds it. The lock belongs to the open file
// description, so two handles in one process exclude each other too, and it ends with the process. Any thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "seam/file_system.h"

namespace stasis::seam::posix {

/// See FileSystem::lock. The text in the file is "<pid> <UTC time> <holder>\n"; it is only meaningful while locked.
Result<std::unique_ptr<FileLock>> lock_file(const std::string& path, const std::string& holder,
                                            std::chrono::milliseconds wait);

}  // namespace stasis::seam::posix
