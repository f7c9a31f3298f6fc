// A snapshot request from a configuration file in xl's syntax: name, description, memory, memory_path and
// disks=['path,format,target', ...]. Its settings win over options given. Hostile input: limits of codec/xlcfg
// apply. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include <stasis/snapshot.h>

#include "base/result.h"

namespace stasis::model {

/// invalid: names the setting, line and column.
Result<SnapshotCreateOptions> merge_snapshot_config(std::string_view text, const std::string& source,
                                                    SnapshotCreateOptions options);

}  // namespace stasis::model
