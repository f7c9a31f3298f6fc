// What is to be known of an installed QEMU before a guest is started with it: where it is, its version, its machine
// types, and whether KVM works, found out by trying. Answers are kept by the caller's cache, under a key that changes
// when the program or the kernel does. Owned by the driver; one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/qmp/message.h"
#include "hypervisor/qemu/command_line.h"
#include "seam/file_system.h"
#include "seam/process.h"

namespace stasis::hypervisor::qemu {

/// Small facts kept between runs of the tool. Failures to keep are not errors.
struct AbilityCache {
    std::function<std::optional<std::string>(const std::string& key)> get;
    std::function<void(const std::string& key, const std::string& value)> put;
};

class Emulators {
public:
    Emulators(std::string root, seam::FileSystem& files, seam::ProcessRunner& processes, AbilityCache cache,
              std::string kernel_release)
        : root_(std::move(root)), files_(files), processes_(processes), cache_(std::move(cache)),
          kernel_release_(std::move(kernel_release)) {}

    /// not_found: there is no such program; says what to install.
    Result<HostAbility> ability(const std::string& emulator, const std::string& arch);
    Result<codec::qmp::Version> version(const std::string& emulator, const std::string& arch);
    /// "q35" to "pc-q35-7.2"; empty: the emulator's default. A versioned type is checked and returned as it is.
    Result<std::string> resolve_machine(const std::string& emulator, const std::string& arch, const std::string& machine);

private:
    struct Program {
        std::string path;
        std::string key;  ///< for the cache
    };
    Result<Program> find(const std::string& emulator, const std::string& arch);
    Result<std::string> output_of(const Program& program, const std::string& question, const std::string& argument);
    Result<codec::qmp::Version> version_of(const Program& program);
    Result<bool> kvm_works(const Program& program);
    Result<std::string> remembered(const std::string& key, const std::function<Result<std::string>()>& find_out);

    std::string root_;
    seam::FileSystem& files_;
    seam::ProcessRunner& processes_;
    AbilityCache cache_;
    std::string kernel_release_;
};

/// "QEMU emulator version 7.2.22 (Debian ...)".
[[nodiscard]] std::optional<codec::qmp::Version> version_from(std::string_view text);
/// Looks `machine` up in the output of -machine help: its versioned name, or none when it is not listed.
[[nodiscard]] std::optional<std::string> machine_from(std::string_view help, const std::string& machine);

}  // namespace stasis::hypervisor::qemu
