#include "catalog/schema.h"

#include <string>

namespace stasis::catalog {
namespace {

// Names and texts are kept as the model prints them, so that the file can be read with any SQLite tool. 64-bit
// unsigned values are stored bit for bit. Operations name their domain by uuid without a foreign key: the journal
// of an undefine outlives the domain.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE domains (
  id INTEGER PRIMARY KEY,
  uuid TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  definition_xml TEXT NOT NULL,
  process_generation INTEGER,
  process_pid INTEGER,
  process_start_ticks INTEGER,
  next_generation INTEGER NOT NULL DEFAULT 1,
  next_image INTEGER NOT NULL DEFAULT 1,
  nvram TEXT NOT NULL DEFAULT '',
  current_snapshot INTEGER REFERENCES snapshots(id) ON DELETE SET NULL
) STRICT;

CREATE TABLE images (
  domain INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
  id INTEGER NOT NULL,
  target TEXT NOT NULL,
  path TEXT NOT NULL,
  format TEXT NOT NULL,
  virtual_bytes INTEGER NOT NULL,
  backing INTEGER,
  made_by_stasis INTEGER NOT NULL,
  frozen_size INTEGER,
  frozen_modified_ns INTEGER,
  frozen_inode INTEGER,
  PRIMARY KEY (domain, id),
  FOREIGN KEY (domain, backing) REFERENCES images(domain, id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
CREATE INDEX images_by_backing ON images(domain, backing);

CREATE TABLE active_layers (
  domain INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
  target TEXT NOT NULL,
  image INTEGER NOT NULL,
  PRIMARY KEY (domain, target),
  FOREIGN KEY (domain, image) REFERENCES images(domain, id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
CREATE INDEX active_layers_by_image ON active_layers(domain, image);

CREATE TABLE left_behind (
  position INTEGER PRIMARY KEY,
  domain INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
  image INTEGER NOT NULL,
  UNIQUE (domain, image),
  FOREIGN KEY (domain, image) REFERENCES images(domain, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE TABLE snapshots (
  id INTEGER PRIMARY KEY,
  domain INTEGER NOT NULL REFERENCES domains(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  parent INTEGER REFERENCES snapshots(id) DEFERRABLE INITIALLY DEFERRED,
  created_us INTEGER NOT NULL,
  state TEXT NOT NULL,
  description TEXT NOT NULL,
  folder TEXT NOT NULL,
  memory_method TEXT NOT NULL,
  memory_path TEXT NOT NULL,
  memory_file_bytes INTEGER NOT NULL,
  memory_guest_bytes INTEGER NOT NULL,
  machine TEXT NOT NULL,
  hypervisor_version TEXT NOT NULL,
  nvram_copy TEXT NOT NULL,
  pause_us INTEGER,
  definition_xml TEXT NOT NULL,
  UNIQUE (domain, name)
) STRICT;
CREATE INDEX snapshots_by_parent ON snapshots(parent);

CREATE TABLE snapshot_disks (
  snapshot INTEGER NOT NULL REFERENCES snapshots(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  target TEXT NOT NULL,
  mode TEXT NOT NULL,
  image INTEGER,
  internal_name TEXT NOT NULL,
  PRIMARY KEY (snapshot, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE operations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  domain_uuid TEXT NOT NULL,
  operation TEXT NOT NULL,
  plan_text TEXT NOT NULL,
  started_us INTEGER NOT NULL,
  ended_us INTEGER,
  outcome TEXT
) STRICT;
CREATE INDEX operations_open ON operations(domain_uuid) WHERE ended_us IS NULL;

CREATE TABLE operation_steps (
  operation INTEGER NOT NULL REFERENCES operations(id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  state TEXT NOT NULL,
  outcome TEXT NOT NULL,
  PRIMARY KEY (operation, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE cache (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

/// Scripts that lead from version i to i + 1.
constexpr const char* kMigrations[] = {kVersion1};
static_assert(std::size(kMigrations) == kSchemaVersion);

struct Identity {
    std::int64_t application = 0;
    std::int64_t version = 0;
};

Result<Identity> identity(Database& database) {
    STASIS_TRY(const std::int64_t application, database.number("PRAGMA application_id"));
    STASIS_TRY(const std::int64_t version, database.number("PRAGMA user_version"));
    return Identity{application, version};
}

Result<void> check_identity(Database& database, const Identity& found) {
    constexpr const char* kAttempted = "open the catalog";
    const bool fresh = found.application == 0 && found.version == 0;
    if (fresh) {
        STASIS_TRY(const std::int64_t objects, database.number("SELECT count(*) FROM sqlite_schema"));
        if (objects == 0) return {};
    }
    if (found.application != kApplicationId)
        return fail(ErrorKind::corrupt, kAttempted, database.path(), "this is some other program's SQLite file",
                    "move it away or choose another --root");
    if (found.version > kSchemaVersion)
        return fail(ErrorKind::corrupt, kAttempted, database.path(),
                    "it was written by a newer stasis: schema version " + std::to_string(found.version) +
                        ", this program knows " + std::to_string(kSchemaVersion),
                    "use the newer program");
    if (found.version < 1)
        return fail(ErrorKind::corrupt, kAttempted, database.path(), "its schema version is missing",
                    "restore the file from a backup");
    return {};
}

/// Another process may have migrated between our look and our lock: look again under the lock.
Result<void> migrate(Database& database) {
    STASIS_TRY(Transaction transaction, Transaction::write(database));
    STASIS_TRY(const Identity found, identity(database));
    STASIS_CHECK(check_identity(database, found));
    for (std::int64_t version = found.version; version < kSchemaVersion; ++version)
        STASIS_CHECK(database.script(kMigrations[version]));
    STASIS_CHECK(database.script(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str()));
    STASIS_CHECK(database.script(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str()));
    return transaction.commit();
}

/// Of one instant: another process may be creating the file just now.
Result<Identity> checked_identity(Database& database) {
    STASIS_TRY(Transaction view, Transaction::read(database));
    STASIS_TRY(const Identity found, identity(database));
    STASIS_CHECK(check_identity(database, found));
    return found;
}

}  // namespace

Result<void> prepare_schema(Database& database) {
    STASIS_CHECK(database.script("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL"));
    STASIS_TRY(const Identity found, checked_identity(database));
    if (found.version != kSchemaVersion) {
        STASIS_CHECK(database.run("PRAGMA journal_mode = WAL"));  // only for a file that is ours or empty
        STASIS_CHECK(migrate(database));
    }
    return {};
}

}  // namespace stasis::catalog
