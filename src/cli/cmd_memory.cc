// memory-export.
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/outcome.h"
#include "cli/output_file.h"

namespace stasis::cli {

namespace {

constexpr const char* kOperation = "memory-export";

struct Words {
    std::string domain;
    std::string snapshot;
    std::string file;
};

Result<PlanReport> plan_of(Host& host, const Words& words, const SnapshotName& name, const std::string& path) {
    auto snapshot = host.snapshot_info(words.domain, name);
    if (!snapshot) return std::unexpected(std::move(snapshot).error());
    if (snapshot->memory_method == MemoryMethod::none)
        return refuse(ErrorKind::unsupported, "export the memory of snapshot '" + name.str() + "'", "domain '" + words.domain + "'",
                      "the snapshot holds no memory");
    auto domain = host.domain_info(words.domain);
    if (!domain) return std::unexpected(std::move(domain).error());
    return PlanReport{kOperation,
                      {fmt::format("read and check {}", snapshot->memory_file),
                       fmt::format("write a QEMU migration stream to {}", path.empty() ? "standard output" : path)},
                      domain->memory,
                      std::nullopt,
                      {"the space is that of guest memory; device state comes on top, and pages of zeroes take next to nothing"}};
}

void tell(const Words& words, const std::string& path, Bytes written, Outcome& outcome) {
    outcome.say(fmt::format("Memory of snapshot {} exported to {}: {}", words.snapshot,
                                        path.empty() ? "standard output" : path, format_bytes(written)));
    outcome.set_fields({{"name", words.snapshot}, {"file", path.empty() ? Json(nullptr) : Json(path)}, {"written_bytes", written.value}});
}

Result<Bytes> write_stream(Context& context, Host& host, const Words& words, const SnapshotName& name, const std::string& path,
                           const RunMode& mode) {
    if (path.empty()) {
        context.environment().out.flush();
        return host.memory_export(words.domain, name, context.environment().out_descriptor, mode);
    }
    auto file = OutputFile::create(path);
    if (!file) return std::unexpected(std::move(file).error());
    auto written = host.memory_export(words.domain, name, file->descriptor(), mode);
    if (!written) return written;
    if (auto finished = file->finish(); !finished) return std::unexpected(std::move(finished).error());
    return written;
}

// Empty: standard output.
Result<std::string> destination(Context& context, const std::string& file) {
    if (file != "-") return absolute_path(context.environment(), file);
    if (context.environment().out_is_terminal)
        return refuse(ErrorKind::invalid, "export memory to a terminal", "", "it is binary data", "name a file, or pipe it into a program");
    context.reporter().keep_output_clean();
    return std::string();
}

Result<void> memory_export(Context& context, const Words& words) {
    auto name = SnapshotName::parse(words.snapshot);
    if (!name) return std::unexpected(std::move(name).error());
    auto path = destination(context, words.file);
    if (!path) return std::unexpected(std::move(path).error());
    return context.change_any(words.domain, [&](Host& host, const RunMode& mode, Outcome& outcome) -> Result<PlanReport> {
        auto plan = plan_of(host, words, *name, *path);
        if (!plan) return plan;
        if (mode.explain_only) {
            if (auto checked = path->empty() ? Result<void>() : OutputFile::check(*path); !checked)
                return std::unexpected(std::move(checked).error());
            return plan;
        }
        auto written = write_stream(context, host, words, *name, *path, mode);
        if (!written) return std::unexpected(std::move(written).error());
        plan->notes.clear();
        tell(words, *path, *written, outcome);
        return plan;
    });
}

Run declare_memory_export(Options& options) {
    auto words = std::make_shared<Words>();
    options.domain(words->domain);
    options.snapshot(words->snapshot);
    options.required("file,--file", words->file, "FILE", "Where to; - is standard output");
    return [words](Context& context) { return memory_export(context, *words); };
}

constexpr Command kCommands[] = {
    {kOperation, "Write a snapshot's memory as a stream that stock QEMU loads",
     "  stasis memory-export web before-upgrade web.stream\n"
     "  stasis memory-export web before-upgrade - | zstd > web.stream.zst",
     true, declare_memory_export},
};

}  // namespace

std::span<const Command> memory_commands() { return kCommands; }

}  // namespace stasis::cli
