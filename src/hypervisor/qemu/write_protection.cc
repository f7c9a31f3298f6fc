#include "hypervisor/qemu/write_protection.h"

#include <dirent.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/unique_fd.h"

namespace stasis::hypervisor::qemu {
namespace {

struct Range {
    std::uint64_t start = 0, end = 0;
};

/// Numbers of the process's descriptors that are userfaultfds.
Result<std::vector<int>> user_fault_descriptors(std::int64_t pid) {
    const std::string folder = fmt::format("/proc/{}/fd", pid);
    std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
    if (!entries) return fail_errno(errno, "look at QEMU's descriptors", folder);
    std::vector<int> found;
    while (const dirent* entry = ::readdir(entries.get())) {
        std::array<char, 128> link{};
        const auto length = ::readlinkat(::dirfd(entries.get()), entry->d_name, link.data(), link.size());
        if (length <= 0) continue;
        const std::string_view text(link.data(), static_cast<std::size_t>(length));
        if (text.find("[userfaultfd]") != std::string_view::npos) found.push_back(std::atoi(entry->d_name));
    }
    return found;
}

bool parse_range(const std::string& line, Range& range) {
    const auto first = std::from_chars(line.data(), line.data() + line.size(), range.start, 16);
    if (first.ec != std::errc() || first.ptr == line.data() + line.size() || *first.ptr != '-') return false;
    return std::from_chars(first.ptr + 1, line.data() + line.size(), range.end, 16).ec == std::errc();
}

/// Mappings whose VmFlags say "uw": registered for write protection.
std::vector<Range> protected_ranges(std::int64_t pid) {
    std::vector<Range> found;
    std::ifstream maps(fmt::format("/proc/{}/smaps", pid));
    Range current;
    for (std::string line; std::getline(maps, line);) {
        if (line.starts_with("VmFlags:")) {
            if ((line + ' ').find(" uw ") != std::string::npos && current.end > current.start) found.push_back(current);
        } else if (Range next; parse_range(line, next)) {
            current = next;
        }
    }
    return found;
}

class LinuxWriteProtection final : public WriteProtection {
public:
    Result<bool> lift(std::int64_t pid) override {
        STASIS_TRY(const auto descriptors, user_fault_descriptors(pid));
        if (descriptors.empty()) return false;
        const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0)));
        if (!process) return fail_errno(errno, "reach QEMU's process", std::to_string(pid));
        bool lifted = false;
        const auto ranges = protected_ranges(pid);
        for (const int number : descriptors) {
            const UniqueFd fault(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0)));
            if (!fault) return fail_errno(errno, "lift the guest's write protection", std::to_string(pid),
                                          "run as root, or allow tracing of QEMU");
            for (const Range& range : ranges) {
                uffdio_range argument{.start = range.start, .len = range.end - range.start};
                lifted |= ::ioctl(fault.get(), UFFDIO_UNREGISTER, &argument) == 0;
                (void)::ioctl(fault.get(), UFFDIO_WAKE, &argument);  // unregistering alone leaves vCPUs asleep
            }
        }
        return lifted;
    }
};

}  // namespace

std::unique_ptr<WriteProtection> make_write_protection() { return std::make_unique<LinuxWriteProtection>(); }

}  // namespace stasis::hypervisor::qemu
