// define, define-as, undefine.
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/outcome.h"

namespace stasis::cli {

namespace {

constexpr std::uint64_t kVcpusMax = 4096;
constexpr Bytes kMemoryLeast{1 << 20};  // less was meant as MiB

void tell_defined(const Defined& defined, const std::string& source, Outcome& outcome) {
    outcome.say(fmt::format("Domain '{}' defined from {}", defined.domain.name.str(), source));
    outcome.set_fields({{"domain", defined.domain.name.str()}, {"uuid", defined.domain.uuid.str()}, {"left_out", defined.left_out}});
}

// ---- define ----

struct DefineWords {
    std::string file;
    std::string syntax;
    bool lenient = false;
};

DefinitionSyntax syntax_of(const std::string& word) {
    if (word == "xml") return DefinitionSyntax::xml;
    return word == "xlcfg" ? DefinitionSyntax::xlcfg : DefinitionSyntax::detect;
}

Result<void> define(Context& context, const DefineWords& words) {
    auto path = absolute_path(context.environment(), words.file);
    if (!path) return std::unexpected(std::move(path).error());
    auto text = read_document(*path);
    if (!text) return std::unexpected(std::move(text).error());
    const DefineOptions options{*std::move(text), *path, syntax_of(words.syntax), words.lenient};
    return context.change(
        "", [&](Host& host, const RunMode& mode) { return host.define(options, mode); },
        [&](const Defined& defined, Outcome& outcome) {
            for (const auto& left_out : defined.left_out) context.reporter().note("left out: " + left_out);
            tell_defined(defined, words.file, outcome);
        });
}

Run declare_define(Options& options) {
    auto words = std::make_shared<DefineWords>();
    options.required("file,--file", words->file, "FILE", "Domain XML, or a domain configuration in xl's syntax");
    options.flag("--lenient", words->lenient, "Leave out what is not understood, say what, and go on");
    options.choice("--syntax", words->syntax, {"auto", "xml", "xlcfg"}, "What FILE is written in (default: auto)");
    return [words](Context& context) { return define(context, *words); };
}

// ---- define-as ----

struct DefineAsWords {
    DefineAsOptions options;
    std::string memory = "512M";
    std::optional<std::uint64_t> vcpus;
    std::vector<std::string> disks;
};

Result<Bytes> memory_of(const std::string& text) {
    auto memory = parse_bytes(text);
    if (memory && *memory < kMemoryLeast)
        return refuse(ErrorKind::invalid, "read --memory", "", fmt::format("{} is {}", text, format_bytes(*memory)),
                      fmt::format("say the unit, for example {}M", text));
    return memory;
}

Result<DefineAsOptions> define_as_options(Context& context, const DefineAsWords& words) {
    const Environment& environment = context.environment();
    DefineAsOptions options = words.options;
    auto memory = memory_of(words.memory);
    if (!memory) return std::unexpected(std::move(memory).error());
    options.memory = *memory;
    options.vcpus = static_cast<std::uint32_t>(words.vcpus.value_or(1));
    for (const auto& text : words.disks) {
        auto disk = parse_define_disk(environment, text);
        if (!disk) return std::unexpected(std::move(disk).error());
        options.disks.push_back(*std::move(disk));
    }
    auto serial = parse_serial(environment, options.serial);
    if (!serial) return std::unexpected(std::move(serial).error());
    options.serial = *std::move(serial);
    auto paths = make_absolute(environment, {&options.kernel, &options.initrd, &options.channel, &options.vnc});
    if (!paths) return std::unexpected(std::move(paths).error());
    return options;
}

Result<void> define_as(Context& context, const DefineAsWords& words) {
    const auto options = define_as_options(context, words);
    if (!options) return std::unexpected(options.error());
    return context.change(
        options->name, [&](Host& host, const RunMode& mode) { return host.define_as(*options, mode); },
        [](const Defined& defined, Outcome& outcome) { tell_defined(defined, "options", outcome); });
}

void declare_boot(Options& options, DefineAsOptions& values) {
    options.text("--machine", values.machine, "TYPE", "Machine type (default: the newest pc)");
    options.text("--kernel", values.kernel, "FILE", "Kernel to boot directly");
    options.text("--initrd", values.initrd, "FILE", "Its initial RAM disk");
    options.text("--cmdline", values.cmdline, "TEXT", "Its command line");
}

void declare_devices(Options& options, DefineAsWords& words) {
    options.texts("--disk", words.disks, "DISK",
                  "TARGET=PATH[,format=qcow2|raw][,bus=virtio|scsi|sata|ide][,readonly][,serial=S][,cache=C][,discard=D]; "
                  "may be repeated");
    options.texts("--network", words.options.networks, "NET", "user, bridge=BRIDGE or tap=DEVICE; may be repeated");
    options.text("--serial", words.options.serial, "PORT", "Serial port: pty, file:PATH or unix:PATH");
    options.text("--channel", words.options.channel, "PATH", "Socket of the guest agent");
    options.text("--vnc", words.options.vnc, "PATH", "Socket of a VNC display");
    options.texts("--qemu-arg", words.options.qemu_args, "ARG", "One more argument for QEMU; may be repeated");
}

Run declare_define_as(Options& options) {
    auto words = std::make_shared<DefineAsWords>();
    options.required("name,--name", words->options.name, "NAME", "Name of the new domain");
    options.text("--memory", words->memory, "SIZE", "Memory, for example 512M or 2G (default: 512M)");
    options.number("--vcpus", words->vcpus, kVcpusMax, "N", "Number of virtual CPUs (default: 1)");
    options.text("--title", words->options.title, "TEXT", "Title");
    options.text("--description", words->options.description, "TEXT", "Description");
    declare_devices(options, *words);
    declare_boot(options, words->options);
    return [words](Context& context) { return define_as(context, *words); };
}

// ---- undefine ----

Run declare_undefine(Options& options) {
    auto domain = std::make_shared<std::string>();
    options.domain(*domain);
    return [domain](Context& context) {
        return context.change(
            *domain, [&](Host& host, const RunMode& mode) { return host.undefine(*domain, mode); },
            [&](const Nothing&, Outcome& outcome) {
                outcome.say(fmt::format("Domain '{}' has been undefined", *domain));
            });
    };
}

constexpr Command kCommands[] = {
    {"define", "Define a domain from libvirt's XML or an xl configuration", "  stasis define web.xml", true, declare_define},
    {"define-as", "Define a domain from options",
     "  stasis define-as web --memory 512M --disk vda=web.qcow2 --disk vdb=data.raw,format=raw --network user", true,
     declare_define_as},
    {"undefine", "Remove a domain's definition; its disks stay", "  stasis undefine web", true, declare_undefine},
};

}  // namespace

std::span<const Command> define_commands() { return kCommands; }

}  // namespace stasis::cli
