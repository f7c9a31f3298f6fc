// The command line while it grows: shared by the parts that describe disks, devices, characters and the machine.
// Private to build_command_line(). One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hypervisor/qemu/command_line.h"
#include "hypervisor/qemu/machine_layout.h"

namespace stasis::hypervisor::qemu {

struct CommandBuilder {
    const CommandLineInput& input;
    const model::Domain& domain;
    MachineTraits traits;
    PciPlaces places;
    CommandLine line;
    int next_descriptor = kFirstPassedDescriptor;

    void option(std::string name) { line.argv.push_back(std::move(name)); }
    void option(std::string name, std::string value) {
        line.argv.push_back(std::move(name));
        line.argv.push_back(std::move(value));
    }
    void json_option(std::string name, const Json& value) { option(std::move(name), codec::qmp::to_text(value)); }
    /// A PCI device at its place.
    Result<void> pci_device(Json device, const std::optional<model::Address>& address) {
        STASIS_CHECK(places.place(device, address));
        json_option("-device", device);
        return {};
    }
    /// Reserves a descriptor number for a socket listening on `path`.
    int listen(const std::string& path) {
        line.listen.push_back({path, next_descriptor});
        return next_descriptor++;
    }
};

/// A value of QEMU's key=value notation: commas doubled.
[[nodiscard]] std::string escaped(std::string_view value);
[[nodiscard]] std::unexpected<Error> not_expressible(std::string what, std::string why, std::string next = {});

// The parts, each in its own source.
Result<void> add_machine(CommandBuilder& builder);       // command_machine.cc
Result<void> add_controllers(CommandBuilder& builder);   // command_controllers.cc
Result<void> add_disks(CommandBuilder& builder);         // command_disks.cc
Result<void> add_characters(CommandBuilder& builder);    // command_characters.cc
Result<void> add_devices(CommandBuilder& builder);       // command_devices.cc: network, display, input, rng, balloon, tpm

}  // namespace stasis::hypervisor::qemu
