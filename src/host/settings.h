// The host's settings: <root>/stasis.conf in xl's syntax. Pure but for reading that file; any thread.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "plan/facts.h"
#include "seam/file_system.h"

namespace stasis::host {

struct HostSettings {
    plan::Settings plan;                             ///< `now` is set anew for each operation
    std::optional<std::chrono::milliseconds> lock_wait;
};

/// Keys: snapshots_root, internal_pause_limit_ms, compression, lock_wait_s. No file: the defaults. invalid names the key,
/// line and column.
Result<HostSettings> load_settings(seam::FileSystem& files, const std::string& root);

}  // namespace stasis::host
