#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

#include "cli/arguments.h"

namespace stasis::cli {

namespace {

constexpr const char* kWrite = "write";

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

// Whether `path` is written to directly; none: nothing is there.
Result<std::optional<bool>> is_special(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return std::optional<bool>();
        return refuse_errno(errno, kWrite, path);
    }
    if (S_ISDIR(status.st_mode)) return refuse(ErrorKind::invalid, kWrite, path, "it is a folder", "name a file in it");
    return std::optional<bool>(!S_ISREG(status.st_mode));
}

Result<void> sync_folder(const std::string& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return refuse_errno(errno, "sync", folder);
    const int failed = ::fsync(descriptor) != 0 ? errno : 0;
    ::close(descriptor);
    if (failed != 0 && failed != EINVAL) return refuse_errno(failed, "sync", folder);  // EINVAL: it cannot be synced
    return {};
}

// Does not take the place of what has appeared meanwhile. Returns an errno or 0.
int rename_to_free_name(const std::string& from, const std::string& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    if (::link(from.c_str(), to.c_str()) != 0) return errno;  // a file system without that kind of rename
    ::unlink(from.c_str());
    return 0;
}

}  // namespace

Result<void> OutputFile::check(const std::string& path) {
    auto special = is_special(path);
    if (!special) return std::unexpected(std::move(special).error());
    if (*special && !**special)
        return refuse(ErrorKind::exists, kWrite, path, "it is there already", "name another file or remove it first");
    return {};
}

Result<OutputFile> OutputFile::create(const std::string& path) {
    if (auto checked = check(path); !checked) return std::unexpected(std::move(checked).error());
    auto special = is_special(path);
    if (!special) return std::unexpected(std::move(special).error());
    if (*special) {
        const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (descriptor < 0) return refuse_errno(errno, kWrite, path);
        return OutputFile(path, "", descriptor);
    }
    std::string temporary = path + ".XXXXXX";
    const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);  // 0600
    if (descriptor < 0) return refuse_errno(errno, kWrite, path);
    return OutputFile(path, std::move(temporary), descriptor);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputFile::~OutputFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> OutputFile::finish() {
    if (temporary_.empty()) return {};
    if (::fsync(descriptor_) != 0) return refuse_errno(errno, "sync", path_);
    if (const int failed = rename_to_free_name(temporary_, path_); failed != 0) return refuse_errno(failed, kWrite, path_);
    temporary_.clear();
    return sync_folder(folder_of(path_));
}

}  // namespace stasis::cli
