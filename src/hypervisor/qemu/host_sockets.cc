#include "hypervisor/qemu/host_sockets.h"

namespace stasis::hypervisor::qemu {

std::string aside_name(const std::string& path, std::uint32_t generation) {
    return path + ".g" + std::to_string(generation);
}

Result<void> set_aside(seam::FileSystem& files, const std::vector<std::string>& paths, std::uint32_t old_generation) {
    for (const std::string& path : paths) {
        const std::string aside = aside_name(path, old_generation);
        STASIS_TRY(const bool there, files.exists(path));
        STASIS_TRY(const bool aside_already, files.exists(aside));
        if (there && !aside_already) STASIS_CHECK(files.rename(path, aside));
    }
    return {};
}

void give_back(seam::FileSystem& files, const std::vector<std::string>& paths, std::uint32_t old_generation) {
    for (const std::string& path : paths)
        if (const std::string aside = aside_name(path, old_generation); files.exists(aside).value_or(false))
            (void)files.rename(aside, path);
}

void remove_aside(seam::FileSystem& files, const std::vector<std::string>& paths, std::uint32_t old_generation) {
    for (const std::string& path : paths) (void)files.remove_file(aside_name(path, old_generation));
}

}  // namespace stasis::hypervisor::qemu
