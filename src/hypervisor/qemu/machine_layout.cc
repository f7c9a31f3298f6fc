#include "hypervisor/qemu/machine_layout.h"

#include <charconv>

#include <fmt/format.h>

namespace stasis::hypervisor::qemu {

Result<MachineTraits> machine_traits(const model::Domain& domain) {
    const std::string& machine = domain.os.machine;
    const bool x86 = domain.os.arch == "x86_64" || domain.os.arch == "i686";
    if (x86 && (machine == "q35" || machine.starts_with("pc-q35")))
        return MachineTraits{.pcie = true, .root_bus = "pcie.0", .first_slot = 1, .last_slot = 0x1e, .builtin_ahci = true};
    if (x86 && (machine == "pc" || machine.starts_with("pc-i440fx") || machine.empty()))
        return MachineTraits{.root_bus = "pci.0", .first_slot = 2, .builtin_ide = true};
    if (domain.os.arch == "aarch64" && machine.starts_with("virt"))
        return MachineTraits{.x86 = false, .pcie = true, .root_bus = "pcie.0", .first_slot = 1};
    return fail(ErrorKind::unsupported, "describe the guest to QEMU", "machine '" + machine + "' of arch '" + domain.os.arch + "'",
                "this driver does not know its buses", "use machine 'q35' or 'pc' on x86_64, or 'virt' on aarch64");
}

std::optional<std::uint32_t> address_number(const std::optional<model::Address>& address, const std::string& name) {
    if (!address) return std::nullopt;
    for (const auto& [key, value] : address->attributes) {
        if (key != name) continue;
        const bool hex = value.starts_with("0x");
        const char* begin = value.data() + (hex ? 2 : 0);
        const char* end = value.data() + value.size();
        std::uint32_t number = 0;
        const auto [stop, code] = std::from_chars(begin, end, number, hex ? 16 : 10);
        if (code == std::errc() && stop == end) return number;
    }
    return std::nullopt;
}

namespace {

bool is_pci(const std::optional<model::Address>& address) {
    return address && address->type == "pci" && address_number(address, "slot");
}

bool multifunction(const model::Address& address) {
    for (const auto& [key, value] : address.attributes)
        if (key == "multifunction") return value == "on";
    return false;
}

}  // namespace

PciPlaces::PciPlaces(const model::Domain& domain, MachineTraits traits) : traits_(std::move(traits)) {
    for (const auto& controller : domain.controllers) {
        if (controller.type == "pci" && controller.index > 0) buses_.insert(controller.index);
        reserve(controller.address);
    }
    for (const auto& disk : domain.disks) reserve(disk.address);
    for (const auto& nic : domain.interfaces) reserve(nic.address);
    for (const auto& video : domain.videos) reserve(video.address);
    for (const auto& input : domain.inputs) reserve(input.address);
    for (const auto& rng : domain.rngs) reserve(rng.address);
    reserve(domain.balloon_address);
}

void PciPlaces::reserve(const std::optional<model::Address>& address) {
    if (is_pci(address) && address_number(address, "bus").value_or(0) == 0)
        used_slots_.insert(*address_number(address, "slot"));
}

Result<std::string> PciPlaces::bus_name(std::uint32_t number) const {
    if (number == 0) return traits_.root_bus;
    if (!buses_.contains(number))
        return fail(ErrorKind::invalid, "place a device", fmt::format("PCI bus {}", number),
                    "no <controller type='pci'> has that index", "add the controller or leave out the address");
    return fmt::format("pci.{}", number);
}

Result<void> PciPlaces::place(Json& device, const std::optional<model::Address>& address) {
    if (is_pci(address)) {
        const std::uint32_t slot = *address_number(address, "slot");
        const std::uint32_t function = address_number(address, "function").value_or(0);
        STASIS_TRY(device["bus"], bus_name(address_number(address, "bus").value_or(0)));
        device["addr"] = function == 0 ? fmt::format("{:#x}", slot) : fmt::format("{:#x}.{:#x}", slot, function);
        if (multifunction(*address)) device["multifunction"] = true;
        return {};
    }
    for (std::uint32_t slot = traits_.first_slot; slot <= traits_.last_slot; ++slot) {
        if (!used_slots_.insert(slot).second) continue;
        device["bus"] = traits_.root_bus;
        device["addr"] = fmt::format("{:#x}", slot);
        return {};
    }
    return fail(ErrorKind::unsupported, "place a device", "PCI bus " + traits_.root_bus, "all its slots are taken",
                "use fewer devices, or put disks on bus 'scsi'");
}

}  // namespace stasis::hypervisor::qemu
