#include "storage/paths.h"

#include <filesystem>

namespace stasis::storage {

Result<void> check_path(std::string_view attempted, const std::string& path) {
    const auto refuse = [&](std::string why) {
        return fail(ErrorKind::invalid, std::string(attempted), path, std::move(why), "name a file by its absolute path");
    };
    if (path.empty() || path.front() != '/') return refuse("the path is not absolute");
    if (path.contains('\0')) return refuse("the path holds a zero byte");
    if (path.size() > kPathBytesMax) return refuse("the path is longer than 1023 bytes");
    for (const auto& part : std::filesystem::path(path))
        if (part == ".." || part == ".") return refuse("the path has a '" + part.string() + "' in it");
    return {};
}

std::string parent_folder(const std::string& path) {
    const auto end = path.find_last_not_of('/');
    const auto slash = path.rfind('/', end == std::string::npos ? 0 : end);
    if (slash == std::string::npos || slash == 0) return "/";
    return path.substr(0, slash);
}

Result<std::string> resolve_backing(const std::string& image, const std::string& name) {
    const auto colon = name.find(':');
    const auto slash = name.find('/');
    if (colon != std::string::npos && (slash == std::string::npos || colon < slash))
        return fail(ErrorKind::unsupported, "follow the backing image", image,
                    "its header names '" + name + "', which is not the path of a file",
                    "give the image a backing file by path: qemu-img rebase -u");
    const std::filesystem::path path(name);
    const auto whole = path.is_absolute() ? path : std::filesystem::path(parent_folder(image)) / path;
    return whole.lexically_normal().string();
}

std::string option_value(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        escaped += c;
        if (c == ',') escaped += c;
    }
    return escaped;
}

}  // namespace stasis::storage
