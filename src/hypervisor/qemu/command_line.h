// The QEMU command line of a guest: a pure function of what is to run and of what this host's QEMU can do. It decides
// descriptor numbers and names the sockets to listen on, but opens nothing. Any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "codec/qmp/message.h"
#include "hypervisor/qemu/run_folder.h"
#include "port/lifecycle.h"

namespace stasis::hypervisor::qemu {

/// What was found out about this host and its QEMU.
struct HostAbility {
    std::string emulator;                ///< path of the program
    std::string accelerator;             ///< "kvm" or "tcg"
    codec::qmp::Version version;
};

struct CommandLineInput {
    const port::LaunchRequest& request;
    const HostAbility& host;
    const RunFolder& folder;
    std::vector<std::string> block_devices;  ///< image paths that are block devices, whatever the definition says
};

/// A socket to listen on, and the descriptor number that QEMU expects it at.
struct ListenSocket {
    std::string path;
    int number = -1;
    bool operator==(const ListenSocket&) const = default;
};

struct CommandLine {
    std::vector<std::string> argv;
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<ListenSocket> listen;     ///< the two monitors first
    int tpm_descriptor = -1;              ///< number of a socket connected to the TPM emulator; -1: no TPM
    std::vector<std::string> user_sockets;  ///< paths the definition names, on which this guest listens
};

inline constexpr int kFirstPassedDescriptor = 10;

/// unsupported: the definition wants what this driver cannot express. invalid: the definition contradicts itself.
Result<CommandLine> build_command_line(const CommandLineInput& input);

}  // namespace stasis::hypervisor::qemu
