#include "seam/posix/file.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "seam/posix/system.h"

namespace stasis::seam::posix {

namespace {

class PosixFile final : public File {
public:
    PosixFile(UniqueFd descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> buffer) override {
        std::size_t done = 0;
        while (done < buffer.size()) {
            const auto rest = buffer.subspan(done);
            const auto count = retrying([&] {
                return ::pread(descriptor_.get(), rest.data(), rest.size(), static_cast<::off_t>(offset + done));
            });
            if (count < 0) return fail_errno(errno, "read", path_);
            if (count == 0) break;
            done += static_cast<std::size_t>(count);
        }
        return done;
    }

    Result<void> write_at(std::uint64_t offset, std::span<const std::byte> data) override {
        return write_all_at(descriptor_.get(), path_, offset, data);
    }

    Result<void> sync() override {
        if (retrying([&] { return ::fsync(descriptor_.get()); }) != 0) return fail_errno(errno, "sync", path_);
        return {};
    }

    Result<std::uint64_t> size() override { return size_of(descriptor_.get(), path_); }

private:
    UniqueFd descriptor_;
    std::string path_;
};

}  // namespace

std::unique_ptr<File> make_file(UniqueFd descriptor, std::string path) {
    return std::make_unique<PosixFile>(std::move(descriptor), std::move(path));
}

Result<void> write_all_at(int descriptor, const std::string& path, std::uint64_t offset,
                          std::span<const std::byte> data) {
    while (!data.empty()) {
        const auto count =
            retrying([&] { return ::pwrite(descriptor, data.data(), data.size(), static_cast<::off_t>(offset)); });
        if (count < 0) return fail_errno(errno, "write", path);
        if (count == 0) return fail(ErrorKind::no_space, "write", path, "the device takes no more");
        offset += static_cast<std::uint64_t>(count);
        data = data.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<std::uint64_t> size_of(int descriptor, const std::string& path) {
    struct ::stat status{};
    if (::fstat(descriptor, &status) != 0) return fail_errno(errno, "get size of", path);
    if (!S_ISBLK(status.st_mode)) return static_cast<std::uint64_t>(status.st_size);
    std::uint64_t capacity = 0;
    if (::ioctl(descriptor, BLKGETSIZE64, &capacity) != 0) return fail_errno(errno, "get size of", path);
    return capacity;
}

}  // namespace stasis::seam::posix
