#include "seam/posix/proc_stat.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/unique_fd.h"
#include "seam/posix/system.h"

namespace stasis::seam::posix {

namespace {
constexpr int kStateField = 3;
constexpr int kStartField = 22;
}  // namespace

Result<ProcStat> parse_proc_stat(std::string_view text) {
    const auto refuse = [] { return fail(ErrorKind::corrupt, "read", "/proc/PID/stat", "it has an unknown form"); };
    const auto name_end = text.rfind(')');  // the last one: those in the name come before it
    if (name_end == text.npos || text.substr(name_end).size() < 3 || text[name_end + 1] != ' ') return refuse();
    text.remove_prefix(name_end + 2);
    ProcStat result;
    result.state = text[0];
    for (int field = kStateField; field < kStartField; ++field) {
        const auto space = text.find(' ');
        if (space == text.npos) return refuse();
        text.remove_prefix(space + 1);
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result.start_ticks);
    if (error != std::errc{} || end == text.data() + text.size() || *end != ' ') return refuse();
    return result;
}

Result<std::optional<ProcStat>> read_proc_stat(std::int64_t pid) {
    if (pid <= 0) return std::optional<ProcStat>();
    const auto path = fmt::format("/proc/{}/stat", pid);
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) return std::optional<ProcStat>();
    if (!file) return fail_errno(errno, "read", path);
    std::array<char, 4096> buffer{};
    const auto count = retrying([&] { return ::read(file.get(), buffer.data(), buffer.size()); });
    if (count < 0 && errno == ESRCH) return std::optional<ProcStat>();  // it ended between open and read
    if (count < 0) return fail_errno(errno, "read", path);
    STASIS_TRY(auto stat, parse_proc_stat({buffer.data(), static_cast<std::size_t>(count)}));
    return std::optional<ProcStat>(stat);
}

}  // namespace stasis::seam::posix
