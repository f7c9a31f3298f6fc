#include "hypervisor/qemu/emulator.h"

#include <array>
#include <cstdio>

#include <fmt/format.h>

#include "base/undo.h"
#include "hypervisor/qemu/probe_rom.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr std::array kProgramFolders = {"/usr/local/bin", "/usr/bin", "/bin", "/usr/libexec"};
constexpr std::chrono::milliseconds kProbeLimit{3'000};  // software emulation needs 0.1 s; broken KVM never ends

std::string_view next_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

}  // namespace

std::optional<codec::qmp::Version> version_from(std::string_view text) {
    constexpr std::string_view kMark = " version ";
    const std::size_t at = text.find(kMark);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string rest(text.substr(at + kMark.size(), 32));
    codec::qmp::Version version;
    if (std::sscanf(rest.c_str(), "%d.%d.%d", &version.major, &version.minor, &version.micro) < 2) return std::nullopt;
    return version;
}

std::optional<std::string> machine_from(std::string_view help, const std::string& machine) {
    // "pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)"
    // "pc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996) (default)"
    constexpr std::string_view kAlias = "(alias of ";
    while (!help.empty()) {
        const std::string_view line = next_line(help);
        const std::string_view name = line.substr(0, line.find(' '));
        if (name.empty() || name.size() == line.size()) continue;
        const bool wanted = machine.empty() ? line.find("(default)") != std::string_view::npos : name == machine;
        if (!wanted) continue;
        const std::size_t alias = line.find(kAlias);
        if (alias == std::string_view::npos) return std::string(name);
        const std::string_view target = line.substr(alias + kAlias.size());
        return std::string(target.substr(0, target.find(')')));
    }
    return std::nullopt;
}

Result<Emulators::Program> Emulators::find(const std::string& emulator, const std::string& arch) {
    const std::string name = emulator.empty() ? "qemu-system-" + arch : emulator;
    std::vector<std::string> candidates;
    if (name.starts_with('/')) {
        candidates.push_back(name);
    } else {
        for (const char* folder : kProgramFolders) candidates.push_back(fmt::format("{}/{}", folder, name));
    }
    for (const std::string& path : candidates)
        if (const auto stat = files_.stat(path); stat && stat->is_file)
            return Program{path, fmt::format("{} {} {}", path, stat->modified_ns, kernel_release_)};
    return fail(ErrorKind::not_found, "find the emulator", name, "there is no such program",
                "install it (Debian: qemu-system-x86), or name another in <emulator>");
}

Result<std::string> Emulators::remembered(const std::string& key, const std::function<Result<std::string>()>& find_out) {
    if (cache_.get)
        if (auto known = cache_.get(key)) return *std::move(known);
    STASIS_TRY(std::string found, find_out());
    if (cache_.put) cache_.put(key, found);
    return found;
}

Result<std::string> Emulators::output_of(const Program& program, const std::string& question, const std::string& argument) {
    return remembered(fmt::format("qemu {} {} {}", question, argument, program.key), [&]() -> Result<std::string> {
        std::vector<std::string> argv = {program.path, question};
        if (!argument.empty()) argv.push_back(argument);
        STASIS_TRY(auto result, processes_.run({.argv = std::move(argv), .time_limit = std::chrono::milliseconds(20'000)}));
        if (result.exit_code != 0)
            return fail(ErrorKind::failed, "ask the emulator about itself", program.path,
                        fmt::format("it ended with code {}: {}", result.exit_code, result.standard_error));
        return std::move(result.standard_output);
    });
}

Result<bool> Emulators::kvm_works(const Program& program) {
    STASIS_TRY(const std::string answer, remembered("kvm " + program.key, [&]() -> Result<std::string> {
        const std::string rom = fmt::format("{}/run/probe-{}.rom", root_, Uuid::random().str());
        STASIS_CHECK(files_.make_folders(root_ + "/run"));
        STASIS_CHECK(seam::replace_file(files_, rom, probe_rom()));
        const Undo remove([&] { (void)files_.remove_file(rom); });
        const auto result = processes_.run(
            {.argv = {program.path, "-machine", "q35", "-accel", "kvm", "-cpu", "host", "-m", "16", "-nodefaults",
                      "-no-user-config", "-display", "none", "-no-reboot", "-bios", rom, "-device",
                      "isa-debug-exit,iobase=0xf4,iosize=1"},
             .time_limit = kProbeLimit});
        // A run that had to be ended is an answer as well: it does not work.
        return std::string(result && result->exit_code == kProbePassedExitCode ? "yes" : "no");
    }));
    return answer == "yes";
}

Result<codec::qmp::Version> Emulators::version_of(const Program& program) {
    STASIS_TRY(const std::string text, output_of(program, "-version", {}));
    const auto version = version_from(text);
    if (!version) return fail(ErrorKind::failed, "find out the version", program.path, "it does not say one");
    return *version;
}

Result<codec::qmp::Version> Emulators::version(const std::string& emulator, const std::string& arch) {
    STASIS_TRY(const Program program, find(emulator, arch));
    return version_of(program);
}

Result<HostAbility> Emulators::ability(const std::string& emulator, const std::string& arch) {
    STASIS_TRY(const Program program, find(emulator, arch));
    STASIS_TRY(const codec::qmp::Version version, version_of(program));
    HostAbility ability{.emulator = program.path, .accelerator = "tcg", .version = version};
    if (version < codec::qmp::Version{7, 2, 0})
        return fail(ErrorKind::unsupported, "use the emulator", program.path, "it is QEMU " + version.str(),
                    "install QEMU 7.2 or later");
    if (arch == "x86_64") {
        STASIS_TRY(const bool kvm, kvm_works(program));
        if (kvm) ability.accelerator = "kvm";
    }
    return ability;
}

Result<std::string> Emulators::resolve_machine(const std::string& emulator, const std::string& arch,
                                               const std::string& machine) {
    STASIS_TRY(const Program program, find(emulator, arch));
    STASIS_TRY(const std::string help, output_of(program, "-machine", "help"));
    auto found = machine_from(help, machine);
    if (!found)
        return fail(ErrorKind::unsupported, "find the machine type", machine.empty() ? "default of " + program.path : machine,
                    "this emulator does not have it", "see " + program.path + " -machine help");
    return *std::move(found);
}

}  // namespace stasis::hypervisor::qemu
