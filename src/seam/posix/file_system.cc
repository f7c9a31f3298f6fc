#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/checked.h"
#include "base/undo.h"
#include "base/unique_fd.h"
#include "seam/posix/file.h"
#include "seam/posix/file_lock.h"
#include "seam/posix/posix.h"
#include "seam/posix/system.h"

namespace stasis::seam {

namespace {

using namespace posix;

constexpr ::mode_t kPrivateFile = 0600;
constexpr ::mode_t kPrivateFolder = 0700;
constexpr std::uint64_t kStatBlockBytes = 512;  // unit of st_blocks, whatever the file system's own
constexpr const char* kMakeFolder = "make folder";

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string without_trailing_slashes(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

bool is_folder(const std::string& path) {
    struct ::stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<std::uint64_t> device_capacity(const std::string& path) {
    const UniqueFd device(retrying([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
    if (!device) return fail_errno(errno, "get size of", path);
    return size_of(device.get(), path);
}

Result<FileStat> stat_of(const struct ::stat& status, const std::string& path) {
    FileStat result;
    result.is_file = S_ISREG(status.st_mode);
    result.is_folder = S_ISDIR(status.st_mode);
    result.is_block_device = S_ISBLK(status.st_mode);
    result.size_bytes = static_cast<std::uint64_t>(status.st_size);
    if (result.is_block_device) {
        STASIS_TRY(result.size_bytes, device_capacity(path));
    }
    result.allocated_bytes = static_cast<std::uint64_t>(status.st_blocks) * kStatBlockBytes;
    result.modified_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    result.inode = status.st_ino;
    result.mode = status.st_mode & 07777u;
    result.owner = status.st_uid;
    return result;
}

// Makes one folder whose parent exists, durably. False: it was there.
Result<bool> make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), kPrivateFolder) != 0) {
        const int reason = errno;
        if (is_folder(path)) return false;
        if (reason == EEXIST) return fail(ErrorKind::exists, kMakeFolder, path, "something else has that name");
        return fail_errno(reason, kMakeFolder, path);
    }
    if (::chmod(path.c_str(), kPrivateFolder) != 0) return fail_errno(errno, kMakeFolder, path);  // whatever the umask
    return true;
}

class PosixFileSystem final : public FileSystem {
public:
    Result<std::unique_ptr<File>> open_read(const std::string& path) override {
        STASIS_CHECK(check_path("open", path));
        // Not blocking: a FIFO that somebody put there must not make us wait for a writer.
        UniqueFd descriptor(retrying([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); }));
        if (!descriptor) return fail_errno(errno, "open", path);
        struct ::stat status{};
        if (::fstat(descriptor.get(), &status) != 0) return fail_errno(errno, "open", path);
        if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
            return fail(ErrorKind::invalid, "open", path, "it is neither a file nor a block device");
        return make_file(std::move(descriptor), path);
    }

    Result<std::unique_ptr<File>> create(const std::string& path) override {
        STASIS_CHECK(check_path("create", path));
        UniqueFd descriptor(retrying([&] {
            return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kPrivateFile);
        }));
        if (!descriptor) return fail_errno(errno, "create", path);
        if (::fchmod(descriptor.get(), kPrivateFile) != 0) {  // whatever the umask took away
            const int reason = errno;
            ::unlink(path.c_str());
            return fail_errno(reason, "create", path);
        }
        return make_file(std::move(descriptor), path);
    }

    Result<FileStat> stat(const std::string& path) override {
        STASIS_CHECK(check_path("examine", path));
        struct ::stat status{};
        if (::stat(path.c_str(), &status) != 0) return fail_errno(errno, "examine", path);
        return stat_of(status, path);
    }

    Result<bool> exists(const std::string& path) override {
        STASIS_CHECK(check_path("examine", path));
        struct ::stat status{};
        if (::lstat(path.c_str(), &status) == 0) return true;
        if (errno == ENOENT || errno == ENOTDIR) return false;
        return fail_errno(errno, "examine", path);
    }

    Result<bool> make_folders(const std::string& given) override {
        STASIS_CHECK(check_path(kMakeFolder, given));
        const auto path = without_trailing_slashes(given);
        if (is_folder(path)) return false;
        const auto parent = parent_of(path);
        STASIS_CHECK(make_folders(parent));
        STASIS_TRY(const bool made, make_folder(path));
        if (made) STASIS_CHECK(sync_folder(parent));
        return made;
    }

    Result<void> remove_folder(const std::string& path) override {
        STASIS_CHECK(check_path("remove folder", path));
        if (::rmdir(path.c_str()) == 0) return {};
        if (errno == ENOTEMPTY || errno == EEXIST)
            return fail(ErrorKind::busy, "remove folder", path, "it is not empty");
        return fail_errno(errno, "remove folder", path);
    }

    Result<void> remove_file(const std::string& path) override {
        STASIS_CHECK(check_path("remove", path));
        if (::unlink(path.c_str()) != 0) return fail_errno(errno, "remove", path);
        return {};
    }

    Result<void> rename(const std::string& from, const std::string& to) override {
        STASIS_CHECK(check_path("rename", from));
        STASIS_CHECK(check_path("rename to", to));
        if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno(errno, "rename " + from + " to", to);
        return {};
    }

    Result<void> sync_folder(const std::string& path) override {
        STASIS_CHECK(check_path("sync folder", path));
        const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!folder || retrying([&] { return ::fsync(folder.get()); }) != 0)
            return fail_errno(errno, "sync folder", path);
        return {};
    }

    Result<std::vector<std::string>> list_folder(const std::string& path) override {
        STASIS_CHECK(check_path("list", path));
        ::DIR* const folder = ::opendir(path.c_str());
        if (folder == nullptr) return fail_errno(errno, "list", path);
        const Undo close([&] { ::closedir(folder); });
        std::vector<std::string> names;
        errno = 0;
        while (const ::dirent* entry = ::readdir(folder)) {
            const std::string name = entry->d_name;
            if (name != "." && name != "..") names.push_back(name);
        }
        if (errno != 0) return fail_errno(errno, "list", path);
        std::ranges::sort(names);
        return names;
    }

    Result<std::uint64_t> free_bytes(const std::string& given) override {
        STASIS_CHECK(check_path("get free space of", given));
        struct ::statvfs status{};
        auto path = without_trailing_slashes(given);
        while (::statvfs(path.c_str(), &status) != 0) {
            if ((errno != ENOENT && errno != ENOTDIR) || path == "/") return fail_errno(errno, "get free space of", given);
            path = parent_of(path);
        }
        return std::uint64_t{status.f_bavail} * status.f_frsize;
    }

    Result<std::unique_ptr<FileLock>> lock(const std::string& path, const std::string& holder,
                                           std::chrono::milliseconds wait) override {
        STASIS_CHECK(check_path("lock", path));
        return lock_file(path, holder, wait);
    }
};

}  // namespace

std::unique_ptr<FileSystem> make_posix_file_system() { return std::make_unique<PosixFileSystem>(); }

}  // namespace stasis::seam
