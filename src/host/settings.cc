#include "host/settings.h"

#include "codec/xlcfg/xlcfg.h"

namespace stasis::host {
namespace {

constexpr std::uint64_t kSettingsBytesMax = 64 * 1024;

std::unexpected<Error> bad(const std::string& path, const codec::xlcfg::Setting& setting, std::string why) {
    return fail(ErrorKind::invalid, "read the settings",
                path + ":" + std::to_string(setting.value.line) + ":" + std::to_string(setting.value.column),
                "'" + setting.key + "': " + std::move(why), "see stasis(1), section FILES");
}

Result<void> apply(const std::string& path, const codec::xlcfg::Setting& setting, HostSettings& settings) {
    const codec::xlcfg::Value& value = setting.value;
    const bool number = value.kind == codec::xlcfg::Value::Kind::number;
    const bool text = value.kind == codec::xlcfg::Value::Kind::string;
    if (setting.key == "snapshots_root") {
        if (!text || !value.text.starts_with('/')) return bad(path, setting, "an absolute path in quotes is wanted");
        settings.plan.snapshots_root = value.text;
    } else if (setting.key == "internal_pause_limit_ms") {
        if (!number || value.number < 0) return bad(path, setting, "a number of milliseconds is wanted");
        settings.plan.internal_pause_limit_us = static_cast<std::int64_t>(value.number) * 1000;
    } else if (setting.key == "compression") {
        const auto compression = memory_compression_from(value.text);
        if (!text || !compression) return bad(path, setting, "one of 'none', 'lz4', 'zstd' is wanted");
        settings.plan.compression = *compression;
    } else if (setting.key == "lock_wait_s") {
        if (!number || value.number < 0) return bad(path, setting, "a number of seconds is wanted");
        settings.lock_wait = std::chrono::seconds(value.number);
    } else {
        return bad(path, setting, "there is no such setting");
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
    STASIS_TRY(const codec::xlcfg::Document document, codec::xlcfg::parse(text, path));
    for (const codec::xlcfg::Setting& setting : document.settings) STASIS_CHECK(apply(path, setting, settings));
    return settings;
}

}  // namespace stasis::host
