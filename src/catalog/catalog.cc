#include "catalog/catalog.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/unique_fd.h"
#include "catalog/schema.h"
#include "catalog/store.h"

namespace stasis::catalog {
namespace {

constexpr const char* kAttempted = "open the catalog";

Result<void> sync_folder_of(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    const UniqueFd descriptor(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor || ::fsync(descriptor.get()) != 0) return fail_errno(errno, kAttempted, folder);
    return {};
}

/// SQLite would create the file with the umask's mode; -wal and -shm take theirs from the file that is there.
Result<void> make_private_file(const std::string& path) {
    const UniqueFd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (made) return sync_folder_of(path);
    if (errno != EEXIST)
        return fail_errno(errno, kAttempted, path, "check that the state folder exists and may be written, or choose another --root");
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) return fail_errno(errno, kAttempted, path);
    if (!S_ISREG(found.st_mode))
        return fail(ErrorKind::denied, kAttempted, path, "it is not a regular file", "move it away");
    return {};
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(const std::string& path) {
    if (path != ":memory:") STASIS_CHECK(make_private_file(path));
    STASIS_TRY(std::unique_ptr<Database> database, Database::open(path));
    STASIS_CHECK(prepare_schema(*database));
    return std::make_unique<SqliteCatalog>(std::move(database));
}

Result<std::optional<std::string>> SqliteCatalog::cached(const std::string& key) {
    STASIS_TRY(Statement row, database_->prepare("SELECT value FROM cache WHERE key = ?", {key}));
    STASIS_TRY(const bool found, row.next());
    return found ? std::optional(row.text(0)) : std::nullopt;
}

Result<void> SqliteCatalog::cache(const std::string& key, const std::string& value) {
    return database_->run("INSERT INTO cache(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                          {key, value});
}

}  // namespace stasis::catalog
