// Controllers: those that the definition names, and those that its devices imply.
#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "hypervisor/qemu/command_builder.h"

namespace stasis::hypervisor::qemu {
namespace {

/// A number attribute within a controller's kept inner XML: <target chassis='1' port='0x10'/>, <master startport='0'/>.
std::optional<std::uint32_t> inner_number(const std::string& xml, const std::string& name) {
    for (std::size_t at = xml.find(name + "="); at != std::string::npos; at = xml.find(name + "=", at + 1)) {
        const std::size_t open = at + name.size() + 1;
        const bool whole_word = at > 0 && (xml[at - 1] == ' ' || xml[at - 1] == '\n' || xml[at - 1] == '\t');
        if (!whole_word || open >= xml.size()) continue;
        const std::size_t close = xml.find(xml[open], open + 1);
        if (close == std::string::npos) return std::nullopt;
        const model::Address text{"", {{name, xml.substr(open + 1, close - open - 1)}}};
        return address_number(text, name);
    }
    return std::nullopt;
}

using Controller = model::Controller;

Result<void> add_pci(CommandBuilder& builder, const Controller& controller) {
    if (controller.index == 0) return {};  // the machine's own root bus
    Json device = {{"id", fmt::format("pci.{}", controller.index)}};
    if (controller.model == "pcie-root-port") {
        device["driver"] = "pcie-root-port";
        device["chassis"] = inner_number(controller.inner_xml, "chassis").value_or(controller.index);
        device["port"] = inner_number(controller.inner_xml, "port").value_or(controller.index);
    } else if (controller.model == "pcie-to-pci-bridge") {
        device["driver"] = "pcie-pci-bridge";
    } else if (controller.model == "pci-bridge") {
        device["driver"] = "pci-bridge";
        device["chassis_nr"] = inner_number(controller.inner_xml, "chassisNr").value_or(controller.index);
    } else if (controller.model == "dmi-to-pci-bridge") {
        device["driver"] = "i82801b11-bridge";
    } else {
        return not_expressible("PCI controller model '" + controller.model + "'", "this driver does not know it",
                               "use 'pcie-root-port' or 'pci-bridge'");
    }
    return builder.pci_device(std::move(device), controller.address);
}

std::string indexed(const std::string& stem, std::uint32_t index) { return stem + std::to_string(index); }
std::string usb_id(std::uint32_t index) { return index == 0 ? "usb" : indexed("usb", index); }

struct UsbModel {
    std::string_view name, driver;
    bool companion = false;
};
constexpr std::array kUsbModels = {
    UsbModel{"", "qemu-xhci"},           UsbModel{"qemu-xhci", "qemu-xhci"},
    UsbModel{"nec-xhci", "nec-usb-xhci"}, UsbModel{"piix3-uhci", "piix3-usb-uhci"},
    UsbModel{"ehci", "usb-ehci"},        UsbModel{"ich9-ehci1", "ich9-usb-ehci1"},
    UsbModel{"ich9-uhci1", "ich9-usb-uhci1", true}, UsbModel{"ich9-uhci2", "ich9-usb-uhci2", true},
    UsbModel{"ich9-uhci3", "ich9-usb-uhci3", true}};

Result<void> add_usb(CommandBuilder& builder, const Controller& controller) {
    if (controller.model == "none") return {};
    const auto* known = std::ranges::find(kUsbModels, controller.model, &UsbModel::name);
    if (known == kUsbModels.end())
        return not_expressible("USB controller model '" + controller.model + "'", "this driver does not know it",
                               "use 'qemu-xhci'");
    Json device = {{"driver", std::string(known->driver)}};
    if (known->companion) {
        device["masterbus"] = usb_id(controller.index) + ".0";
        device["firstport"] = inner_number(controller.inner_xml, "startport").value_or(0);
    } else {
        device["id"] = usb_id(controller.index);
    }
    return builder.pci_device(std::move(device), controller.address);
}

Result<void> add_scsi(CommandBuilder& builder, const Controller& controller) {
    const bool virtio = controller.model.empty() || controller.model == "auto" || controller.model == "virtio-scsi";
    if (!virtio && controller.model != "lsilogic")
        return not_expressible("SCSI controller model '" + controller.model + "'", "this driver does not know it",
                               "use 'virtio-scsi'");
    return builder.pci_device({{"driver", virtio ? "virtio-scsi-pci" : "lsi53c895a"},
                               {"id", indexed("scsi", controller.index)}},
                              controller.address);
}

Result<void> add_one(CommandBuilder& builder, const Controller& controller) {
    if (controller.type == "pci") return add_pci(builder, controller);
    if (controller.type == "usb") return add_usb(builder, controller);
    if (controller.type == "scsi") return add_scsi(builder, controller);
    if (controller.type == "virtio-serial")
        return builder.pci_device({{"driver", "virtio-serial-pci"}, {"id", indexed("virtio-serial", controller.index)}},
                                  controller.address);
    if (controller.type == "sata") {
        if (controller.index == 0 && builder.traits.builtin_ahci) return {};
        return builder.pci_device({{"driver", "ich9-ahci"}, {"id", indexed("sata", controller.index)}}, controller.address);
    }
    if (controller.type == "ide" && controller.index == 0 && builder.traits.builtin_ide) return {};
    return not_expressible(fmt::format("controller of type '{}' number {}", controller.type, controller.index),
                           "this machine cannot have it", "remove it from the definition");
}

/// What the devices need and nobody named, in a fixed order.
std::vector<Controller> implied(const CommandBuilder& builder) {
    const model::Domain& domain = builder.domain;
    std::set<std::pair<std::string, std::uint32_t>> needed;
    const auto number = [](const std::optional<model::Address>& address, const char* name) {
        return address_number(address, name).value_or(0);
    };
    for (const auto& disk : domain.disks) {
        if (disk.bus == model::DiskBus::scsi) needed.emplace("scsi", number(disk.address, "controller"));
        if (disk.bus == model::DiskBus::sata) needed.emplace("sata", number(disk.address, "controller"));
    }
    for (const auto& input : domain.inputs)
        if (input.bus == "usb") needed.emplace("usb", number(input.address, "bus"));
    for (const auto& channel : domain.channels) needed.emplace("virtio-serial", number(channel.address, "controller"));
    for (const auto& console : domain.consoles)
        if (console.target_type == "virtio") needed.emplace("virtio-serial", number(console.address, "controller"));
    for (const auto& controller : domain.controllers) needed.erase({controller.type, controller.index});
    std::vector<Controller> controllers;
    for (const auto& [type, index] : needed) controllers.push_back({.type = type, .index = index});
    return controllers;
}

}  // namespace

Result<void> add_controllers(CommandBuilder& builder) {
    // A bridge must stand before what hangs on it, and within one kind a lower index comes first. USB masters come
    // before their companions.
    std::vector<Controller> controllers = builder.domain.controllers;
    std::ranges::stable_sort(controllers, [](const Controller& a, const Controller& b) {
        const auto rank = [](const Controller& c) {
            return std::make_tuple(c.type != "pci", c.type, c.index, c.model.starts_with("ich9-uhci"));
        };
        return rank(a) < rank(b);
    });
    for (const Controller& controller : controllers) STASIS_CHECK(add_one(builder, controller));
    for (const Controller& controller : implied(builder)) STASIS_CHECK(add_one(builder, controller));
    return {};
}

}  // namespace stasis::hypervisor::qemu
