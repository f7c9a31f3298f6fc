// snapshot-create.
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/outcome.h"
#include "cli/printable.h"

namespace stasis::cli {

namespace {

constexpr std::uint64_t kPauseLimitMsMax = 86'400'000;  // a day

struct Words {
    std::string domain;
    std::string name;
    std::string config;
    SnapshotCreateOptions options;
    bool internal = false;
    bool external = false;
    std::vector<std::string> disks;
    std::string compression;
    std::optional<std::uint64_t> internal_pause_limit_ms;
};

Result<void> add_disks(const Environment& environment, const Words& words, SnapshotCreateOptions& options) {
    if (words.internal) options.all_disks = DiskMode::internal;
    if (words.external) options.all_disks = DiskMode::external;
    for (const auto& text : words.disks) {
        auto request = parse_disk_request(environment, text);
        if (!request) return std::unexpected(std::move(request).error());
        options.disks.push_back(*std::move(request));
    }
    return {};
}

Result<SnapshotCreateOptions> with_config(const Environment& environment, const std::string& file, SnapshotCreateOptions options) {
    if (file.empty()) return options;
    auto path = absolute_path(environment, file);
    if (!path) return std::unexpected(std::move(path).error());
    auto text = read_document(*path);
    if (!text) return std::unexpected(std::move(text).error());
    return environment.library.apply_snapshot_config(*text, *path, std::move(options));
}

Result<SnapshotCreateOptions> options_of(const Environment& environment, const Words& words) {
    SnapshotCreateOptions options = words.options;
    if (!words.name.empty()) {
        auto name = SnapshotName::parse(words.name);
        if (!name) return std::unexpected(std::move(name).error());
        options.name = *std::move(name);
    }
    if (auto added = add_disks(environment, words, options); !added) return std::unexpected(std::move(added).error());
    auto paths = make_absolute(environment, {&options.path, &options.memory_path});
    if (!paths) return std::unexpected(std::move(paths).error());
    if (!words.compression.empty()) options.compression = memory_compression_from(words.compression);
    if (words.internal_pause_limit_ms)
        options.internal_pause_limit_us = static_cast<std::int64_t>(*words.internal_pause_limit_ms) * 1000;
    return with_config(environment, words.config, std::move(options));
}

// "guest stood still 3.2 ms, complete after 1.24 s, memory 38 MiB (background)"
std::string measured(const SnapshotCreated& created) {
    std::string line = created.pause_us ? fmt::format("guest stood still {}", format_duration(*created.pause_us))
                                        : std::string("no pause of the guest");
    line += fmt::format(", complete after {}", format_duration(created.complete_us));
    if (created.memory_method == MemoryMethod::none) return line + ", no memory";
    return line + fmt::format(", memory {} ({})", format_bytes(created.memory_file_bytes), to_string(created.memory_method));
}

Result<void> snapshot_create(Context& context, const Words& words) {
    const auto options = options_of(context.environment(), words);
    if (!options) return std::unexpected(options.error());
    return context.change(
        words.domain, [&](Host& host, const RunMode& mode) { return host.snapshot_create(words.domain, *options, mode); },
        [&](const SnapshotCreated& created, Outcome& outcome) {
            const auto& reason = created.fallback_reason;
            if (!reason.empty() && !context.reporter().has_noted(reason))
                context.reporter().note(fmt::format("memory was saved by the method '{}': {}", to_string(created.memory_method), reason));
            outcome.say(fmt::format("Domain snapshot {} created", created.name.str()));
            outcome.say(measured(created));
            outcome.set_fields(json_of(created));
        });
}

void declare_disks(Options& options, Words& words) {
    options.flag("--internal", words.internal, "Snapshot every disk inside its qcow2 image");
    options.flag("--external", words.external, "Snapshot every disk by a new overlay");
    options.texts("--disk", words.disks, "DISK", "TARGET=no|internal|external[,path=FILE][,format=qcow2]; may be repeated");
    options.number("--internal-pause-limit", words.internal_pause_limit_ms, kPauseLimitMsMax, "MS",
                   "Longest pause that an internal disk snapshot may cost a running guest (default: as configured, 100)");
    options.at_most_one({"--internal", "--external"});
}

void declare_memory(Options& options, Words& words) {
    options.flag("--disk-only", words.options.disk_only, "No memory");
    options.flag("--live", words.options.live, "Refuse whatever would stop the guest for longer than an instant");
    options.text("--memory-path", words.options.memory_path, "FILE", "Where the memory image goes");
    options.choice("--compress", words.compression, {"none", "lz4", "zstd"}, "Compression of the memory image (default: lz4)");
    options.at_most_one({"--disk-only", "--memory-path"});
}

Run declare_snapshot_create(Options& options) {
    auto words = std::make_shared<Words>();
    options.domain(words->domain);
    options.text("path,--path", words->options.path, "PATH",
                 "Folder for all data of this snapshot; its last part becomes the name");
    options.text("-n,--name", words->name, "NAME", "Name of the snapshot (default: the time, YYYYMMDDhhmmss)");
    options.text("--description", words->options.description, "TEXT", "Description");
    options.text("--config", words->config, "FILE", "Settings in xl's syntax; they win over options");
    declare_memory(options, *words);
    declare_disks(options, *words);
    return [words](Context& context) { return snapshot_create(context, *words); };
}

constexpr Command kCommands[] = {
    {"snapshot-create", "Take a snapshot: memory and all disks, of one instant",
     "  stasis snapshot-create web\n"
     "  stasis snapshot-create web --name before-upgrade --description 'all well'\n"
     "  stasis snapshot-create web /backup/web-1 --external --disk vdb=no",
     true, declare_snapshot_create},
};

}  // namespace

std::span<const Command> snapshot_create_commands() { return kCommands; }

}  // namespace stasis::cli
