#include "seam/posix/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/unique_fd.h"
#include "seam/posix/file.h"
#include "seam/posix/system.h"

namespace stasis::seam::posix {

namespace {

constexpr std::chrono::milliseconds kPollInterval{20};
constexpr std::size_t kHolderBytesMax = 512;
constexpr ::mode_t kPrivate = 0600;
constexpr const char* kAttempted = "lock";

class HeldLock final : public FileLock {
public:
    explicit HeldLock(UniqueFd descriptor) : descriptor_(std::move(descriptor)) {}
    HeldLock(const HeldLock&) = delete;
    HeldLock& operator=(const HeldLock&) = delete;
    // The next holder should not be mistaken for this one in the instant before it has written its own name.
    ~HeldLock() override { (void)!::ftruncate(descriptor_.get(), 0); }

private:
    UniqueFd descriptor_;
};

Result<void> check_plain(int descriptor, const std::string& path) {
    struct ::stat status{};
    if (::fstat(descriptor, &status) != 0) return fail_errno(errno, kAttempted, path);
    if (!S_ISREG(status.st_mode)) return fail(ErrorKind::invalid, kAttempted, path, "it is not a plain file");
    return {};
}

Result<UniqueFd> open_lock_file(const std::string& path) {
    for (;;) {
        UniqueFd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kPrivate));
        if (made && ::fchmod(made.get(), kPrivate) != 0) return fail_errno(errno, kAttempted, path);
        if (made) return made;
        if (errno != EEXIST) return fail_errno(errno, kAttempted, path);
        UniqueFd found(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
        if (found) {
            STASIS_CHECK(check_plain(found.get(), path));
            return found;
        }
        if (errno != ENOENT) return fail_errno(errno, kAttempted, path);  // ENOENT: removed just now, make it again
    }
}

// Whether `path` still names the file we have open: a lock on a removed file would exclude nobody.
bool still_named(int descriptor, const std::string& path) {
    struct ::stat ours{};
    struct ::stat named{};
    return ::fstat(descriptor, &ours) == 0 && ::lstat(path.c_str(), &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text.data();
}

Result<void> write_holder(int descriptor, const std::string& path, const std::string& holder) {
    const auto line = fmt::format("{} {} {}\n", ::getpid(), utc_now(), holder.substr(0, kHolderBytesMax - 64));
    if (::ftruncate(descriptor, 0) != 0) return fail_errno(errno, kAttempted, path);
    return write_all_at(descriptor, path, 0, std::as_bytes(std::span(line)));
}

// "'snapshot-create web' (process 12, since 2024-05-01T10:00:00Z)", or as much as the file says.
std::string read_holder(int descriptor) {
    std::array<char, kHolderBytesMax> buffer{};
    const auto count = retrying([&] { return ::pread(descriptor, buffer.data(), buffer.size(), 0); });
    std::string_view line(buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    line = line.substr(0, line.find('\n'));
    const auto first = line.find(' ');
    const auto second = first == line.npos ? line.npos : line.find(' ', first + 1);
    if (second == line.npos) return "another process";
    return fmt::format("'{}' (process {}, since {})", line.substr(second + 1), line.substr(0, first),
                       line.substr(first + 1, second - first - 1));
}

// One attempt: locked, or none when somebody else has it.
Result<std::optional<UniqueFd>> try_lock(const std::string& path, std::string& busy_with) {
    for (;;) {
        STASIS_TRY(auto descriptor, open_lock_file(path));
        if (retrying([&] { return ::flock(descriptor.get(), LOCK_EX | LOCK_NB); }) != 0) {
            if (errno != EWOULDBLOCK) return fail_errno(errno, kAttempted, path);
            busy_with = read_holder(descriptor.get());
            return std::optional<UniqueFd>();
        }
        if (still_named(descriptor.get(), path)) return std::optional<UniqueFd>(std::move(descriptor));
    }
}

}  // namespace

Result<std::unique_ptr<FileLock>> lock_file(const std::string& path, const std::string& holder,
                                            std::chrono::milliseconds wait) {
    const Deadline deadline(wait);
    std::string busy_with;
    for (;;) {
        STASIS_TRY(auto descriptor, try_lock(path, busy_with));
        if (descriptor) {
            STASIS_CHECK(write_holder(descriptor->get(), path, holder));
            return std::make_unique<HeldLock>(*std::move(descriptor));
        }
        if (deadline.passed())
            return fail(ErrorKind::busy, kAttempted, path, fmt::format("held by {}", busy_with),
                        "wait for it to end, or end it, and try again");
        std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(
            kPollInterval, std::chrono::milliseconds(deadline.poll_ms(static_cast<int>(kPollInterval.count())))));
    }
}

}  // namespace stasis::seam::posix
