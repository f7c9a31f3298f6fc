// An open file or block device of the host. Owns its descriptor; one thread at a time.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "seam/file_system.h"

namespace stasis::seam::posix {

/// `path` is for messages only.
[[nodiscard]] std::unique_ptr<File> make_file(UniqueFd descriptor, std::string path);

/// Writes all of `data`, however many calls it takes.
Result<void> write_all_at(int descriptor, const std::string& path, std::uint64_t offset, std::span<const std::byte> data);

/// Capacity of the block device, or length of the file, that `descriptor` has open.
Result<std::uint64_t> size_of(int descriptor, const std::string& path);

}  // namespace stasis::seam::posix
