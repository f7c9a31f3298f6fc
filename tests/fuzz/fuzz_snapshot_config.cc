// Snapshot configuration files: paths that come out are absolute, and reading twice gives the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/snapshot_config.h"

using namespace stasis;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto once = model::merge_snapshot_config(text, "/conf/fuzz.cfg", {});
    if (!once) return 0;
    if (!once->memory_path.empty() && once->memory_path[0] != '/') std::abort();
    for (const auto& disk : once->disks)
        if (!disk.path.empty() && disk.path[0] != '/') std::abort();
    const auto twice = model::merge_snapshot_config(text, "/conf/fuzz.cfg", *once);
    if (!twice || twice->disks.size() != once->disks.size() || twice->name != once->name || twice->disk_only != once->disk_only) std::abort();
    return 0;
}
