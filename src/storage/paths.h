// What storage may be asked to touch: absolute paths, never anything that a tool could take for a protocol
// ("nbd:...", "json:{...}"). Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace stasis::storage {

inline constexpr std::size_t kPathBytesMax = 1023;  ///< what a qcow2 header can hold as backing file name

/// invalid unless `path` is absolute, without zero bytes, "." or ".." parts, and at most 1023 bytes long.
Result<void> check_path(std::string_view attempted, const std::string& path);

/// The folder that `path` lies in; "/" for what lies there.
[[nodiscard]] std::string parent_folder(const std::string& path);

/// Where the backing name in the header of `image` leads, without touching the file system; unsupported when the
/// name is a protocol or pseudo-protocol.
Result<std::string> resolve_backing(const std::string& image, const std::string& name);

/// A value inside qemu's comma separated options: commas doubled.
[[nodiscard]] std::string option_value(std::string_view text);

}  // namespace stasis::storage
