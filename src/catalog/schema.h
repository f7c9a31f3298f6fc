// The catalog's tables and how a file comes to have them: identity, version, migration. Internal to this room.
// One thread.
#pragma once

#include "base/result.h"
#include "catalog/sqlite.h"

namespace stasis::catalog {

inline constexpr std::int64_t kApplicationId = 0x53744173;  ///< "StAs", at byte 68 of the file
inline constexpr std::int64_t kSchemaVersion = 1;           ///< PRAGMA user_version

/// Checks that the file is ours and of a version we know, creates or migrates the tables, sets the connection up.
/// Takes no write lock when the file is up to date, so that readers never wait.
Result<void> prepare_schema(Database& database);

}  // namespace stasis::catalog
