#include "seam/posix/program_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace stasis::seam::posix {

namespace {

// For when PATH is not set, as under some service managers.
constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool is_plain_file(const std::string& path) {
    struct ::stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

Result<std::string> find_program(const std::string& name) {
    if (name.empty() || name.find('\0') != std::string::npos)
        return fail(ErrorKind::invalid, "run program", "'" + name + "'", "that is no program name");
    if (name.find('/') != std::string::npos) return name;
    const char* const variable = ::getenv("PATH");
    std::string_view rest = variable != nullptr ? variable : kDefaultPath;
    bool seen = false;
    while (!rest.empty()) {
        const auto folder = rest.substr(0, rest.find(':'));
        rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
        if (!folder.starts_with('/')) continue;  // what the current folder holds is nobody's choice
        auto path = std::string(folder) + "/" + name;
        if (!is_plain_file(path)) continue;
        if (::access(path.c_str(), X_OK) == 0) return path;
        seen = true;
    }
    if (seen) return fail(ErrorKind::denied, "run program", name, "it may not be executed");
    return fail(ErrorKind::not_found, "run program", name, "it is in no folder of PATH", "install it, or correct PATH");
}

}  // namespace stasis::seam::posix
