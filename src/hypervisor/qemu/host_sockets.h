// Sockets that the user named, while one generation of a guest replaces another: the new one must listen at the same
// paths, and the old one must have its sockets back if the new one fails. A socket keeps working under another name,
// so it is renamed aside to "<path>.g<generation>". What happened can be told from the names alone. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "seam/file_system.h"

namespace stasis::hypervisor::qemu {

[[nodiscard]] std::string aside_name(const std::string& path, std::uint32_t generation);
/// Renames those that exist; what was aside under that name already stays.
Result<void> set_aside(seam::FileSystem& files, const std::vector<std::string>& paths, std::uint32_t old_generation);
/// Gives them back to the old generation. Those not aside are left alone.
void give_back(seam::FileSystem& files, const std::vector<std::string>& paths, std::uint32_t old_generation);
/// The old generation is gone: its aside sockets are removed.
void remove_aside(seam::FileSystem& files, const std::vector<std::string>& paths, std::uint32_t old_generation);

}  // namespace stasis::hypervisor::qemu
