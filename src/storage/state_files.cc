#include "storage/state_files.h"

#include <vector>

#include "base/undo.h"
#include "storage/paths.h"

namespace stasis::storage {
namespace {

constexpr std::size_t kCopyBytes = 1u << 20;

Result<void> copy_content(seam::File& from, seam::File& to) {
    std::vector<std::byte> buffer(kCopyBytes);
    for (std::uint64_t offset = 0;;) {
        STASIS_TRY(const std::size_t got, from.read_at(offset, buffer));
        if (got == 0) return {};
        STASIS_CHECK(to.write_at(offset, std::span(buffer).first(got)));
        offset += got;
    }
}

}  // namespace

Result<bool> PlainStateFiles::make_folder(const std::string& path) {
    STASIS_CHECK(check_path("make the folder", path));
    std::vector<std::string> missing;  // innermost first
    for (std::string folder = path; folder != "/"; folder = parent_folder(folder)) {
        STASIS_TRY(const bool there, files_.exists(folder));
        if (there) break;
        missing.push_back(folder);
    }
    STASIS_TRY(const bool made, files_.make_folders(path));
    // A folder is durable once the folder that names it is synced.
    for (const auto& folder : missing) STASIS_CHECK(files_.sync_folder(parent_folder(folder)));
    return made;
}

Result<void> PlainStateFiles::remove_folder(const std::string& path) {
    STASIS_CHECK(check_path("remove the folder", path));
    STASIS_TRY(const bool there, files_.exists(path));
    if (!there) return {};
    STASIS_TRY(const auto inside, files_.list_folder(path));
    if (!inside.empty()) return {};
    if (const auto removed = files_.remove_folder(path); !removed) {
        if (removed.error().kind == ErrorKind::not_found) return {};
        const auto again = files_.list_folder(path);  // somebody may have put a file there meanwhile
        if (again && !again->empty()) return {};
        return removed;
    }
    return files_.sync_folder(parent_folder(path));
}

Result<void> PlainStateFiles::remove_file(const std::string& path) {
    STASIS_CHECK(check_path("remove the file", path));
    const auto removed = files_.remove_file(path);
    if (!removed && removed.error().kind == ErrorKind::not_found) {
        // A crash may have come between an earlier removal and its sync; without the folder nothing is left to sync.
        const auto synced = files_.sync_folder(parent_folder(path));
        if (!synced && synced.error().kind != ErrorKind::not_found) return synced;
        return {};
    }
    STASIS_CHECK(removed);
    return files_.sync_folder(parent_folder(path));
}

Result<void> PlainStateFiles::copy_file(const std::string& from, const std::string& to) {
    STASIS_CHECK(check_path("copy the file", from));
    STASIS_CHECK(check_path("copy the file", to));
    STASIS_TRY(const auto source, files_.open_read(from));
    const std::string partial = to + ".partial";
    if (const auto stale = files_.remove_file(partial); !stale && stale.error().kind != ErrorKind::not_found) return stale;
    STASIS_TRY(const auto target, files_.create(partial));
    Undo remove_partial([&] { (void)files_.remove_file(partial); });
    STASIS_CHECK(copy_content(*source, *target));
    STASIS_CHECK(target->sync());
    STASIS_CHECK(files_.rename(partial, to));
    remove_partial.dismiss();
    return files_.sync_folder(parent_folder(to));
}

Result<bool> PlainStateFiles::exists(const std::string& path) {
    STASIS_CHECK(check_path("look for", path));
    return files_.exists(path);
}

Result<std::uint64_t> PlainStateFiles::free_bytes(const std::string& folder) {
    STASIS_CHECK(check_path("measure free space of", folder));
    return files_.free_bytes(folder);
}

}  // namespace stasis::storage
