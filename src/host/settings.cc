#include "host/settings.h"

#include "codec/xlcfg/config.h"

namespace stasis::host {
namespace {

using codec::xlcfg::Setting;

constexpr std::uint64_t kSettingsBytesMax = 64ull * 1024;
constexpr std::string_view kSeeManual = "see stasis(1), section FILES";

Result<std::int64_t> number_at_least_zero(const Setting& setting, const std::string& path) {
    STASIS_TRY(const std::int64_t number, codec::xlcfg::number_of(setting.value, path));
    if (number < 0 || number > 1'000'000'000) {
        return codec::xlcfg::refuse(path, setting.value.place, "'" + setting.key + "' is out of range", std::string(kSeeManual));
    }
    return number;
}

Result<void> apply(const std::string& path, const Setting& setting, HostSettings& settings) {
    const auto refuse = [&](std::string why) {
        return codec::xlcfg::refuse(path, setting.place, "'" + setting.key + "': " + std::move(why), std::string(kSeeManual));
    };
    if (setting.is_list) return refuse("a single value is wanted");
    if (setting.key == "snapshots_root") {
        if (!setting.value.text.starts_with('/')) return refuse("an absolute path in quotes is wanted");
        settings.plan.snapshots_root = setting.value.text;
    } else if (setting.key == "internal_pause_limit_ms") {
        STASIS_TRY(const std::int64_t milliseconds, number_at_least_zero(setting, path));
        settings.plan.internal_pause_limit_us = milliseconds * 1000;
    } else if (setting.key == "compression") {
        const auto compression = memory_compression_from(setting.value.text);
        if (!compression) return refuse("one of \"none\", \"lz4\", \"zstd\" is wanted");
        settings.plan.compression = *compression;
    } else if (setting.key == "lock_wait_s") {
        STASIS_TRY(const std::int64_t seconds, number_at_least_zero(setting, path));
        settings.lock_wait = std::chrono::seconds(seconds);
    } else {
        return refuse("there is no such setting");
    }
    return {};
}

}  // namespace

Result<HostSettings> load_settings(seam::FileSystem& files, const std::string& root) {
    HostSettings settings;
    settings.plan.snapshots_root = root + "/snapshots";
    const std::string path = root + "/stasis.conf";
    STASIS_TRY(const bool there, files.exists(path));
    if (!there) return settings;
    STASIS_TRY(const std::string text, seam::read_file(files, path, kSettingsBytesMax));
    STASIS_TRY(const std::vector<Setting> given, codec::xlcfg::parse(text, path));
    for (const Setting& setting : given) STASIS_CHECK(apply(path, setting, settings));
    return settings;
}

}  // namespace stasis::host
