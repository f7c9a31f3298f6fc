// Network, display, input, random numbers, balloon and TPM.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hypervisor/qemu/command_builder.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr std::size_t kSocketPathBytesMax = 107;  // sun_path; other sockets are made by us and have no limit

/// The place of "network" in <boot dev=> when no device states its own order; 0: none.
std::uint32_t network_boot_place(const model::Domain& domain) {
    for (const auto& disk : domain.disks)
        if (disk.boot_order) return 0;
    for (const auto& nic : domain.interfaces)
        if (nic.boot_order) return 0;
    const auto found = std::ranges::find(domain.os.boot, "network");
    return found == domain.os.boot.end() ? 0 : static_cast<std::uint32_t>(found - domain.os.boot.begin()) + 1;
}

std::string network_backend(const model::Interface& nic, const std::string& id) {
    switch (nic.type) {
        case model::InterfaceType::user: return "user,id=" + id;
        case model::InterfaceType::bridge: return fmt::format("bridge,id={},br={}", id, escaped(nic.source));
        case model::InterfaceType::tap: {
            std::string value = "tap,id=" + id;
            if (!nic.target.empty()) value += ",ifname=" + escaped(nic.target);
            value += ",script=" + (nic.script.empty() ? std::string("no") : escaped(nic.script)) + ",downscript=no";
            return value;
        }
    }
    return {};
}

Result<void> add_interface(CommandBuilder& builder, const model::Interface& nic, std::size_t index) {
    const std::string backend = fmt::format("hostnet{}", index);
    builder.option("-netdev", network_backend(nic, backend));
    Json device = {{"driver", nic.model.empty() || nic.model == "virtio" ? "virtio-net-pci" : nic.model},
                   {"id", fmt::format("net{}", index)},
                   {"netdev", backend}};
    if (!nic.mac.empty()) device["mac"] = nic.mac;
    if (nic.boot_order) {
        device["bootindex"] = *nic.boot_order;
    } else if (const std::uint32_t place = network_boot_place(builder.domain); place > 0 && index == 0) {
        device["bootindex"] = place;
    }
    return builder.pci_device(std::move(device), nic.address);
}

struct VideoModel {
    std::string_view name, first, further;
};
constexpr std::array kVideoModels = {VideoModel{"vga", "VGA", "secondary-vga"},
                                     VideoModel{"cirrus", "cirrus-vga", ""},
                                     VideoModel{"virtio", "virtio-vga", "virtio-gpu-pci"},
                                     VideoModel{"qxl", "qxl-vga", "qxl"},
                                     VideoModel{"bochs", "bochs-display", "bochs-display"}};

Result<void> add_video(CommandBuilder& builder, const model::Video& video, std::size_t index) {
    if (video.model == "none") return {};
    const auto* known = std::ranges::find(kVideoModels, video.model, &VideoModel::name);
    const bool primary = index == 0 && builder.traits.x86;
    const std::string driver(known == kVideoModels.end() ? "" : primary ? known->first : known->further);
    if (driver.empty())
        return not_expressible("video model '" + video.model + "'", "this driver does not know it in this place", "use 'virtio'");
    Json device = {{"driver", driver}, {"id", fmt::format("video{}", index)}};
    if (video.vram_kib && (video.model == "vga" || video.model == "bochs" || video.model == "cirrus")) {
        const std::uint32_t mib = std::max(1u, *video.vram_kib / 1024);
        if (video.model == "bochs") {
            device["vgamem"] = static_cast<std::uint64_t>(mib) << 20;
        } else {
            device["vgamem_mb"] = mib;
        }
    }
    return builder.pci_device(std::move(device), video.address);
}

Result<void> add_display(CommandBuilder& builder) {
    const model::Domain& domain = builder.domain;
    builder.option("-display", "none");
    if (domain.vnc) {
        const bool named = !domain.vnc->socket.empty();
        const std::string path = named ? domain.vnc->socket : builder.input.folder.vnc();
        if (path.size() > kSocketPathBytesMax)
            return not_expressible("VNC socket " + path, "its path is longer than QEMU can use", "name a shorter one in <graphics>");
        builder.option("-vnc", "unix:" + escaped(path));
        if (named) builder.line.user_sockets.push_back(domain.vnc->socket);
    }
    if (domain.vnc && domain.videos.empty()) return add_video(builder, {.model = "vga"}, 0);
    for (std::size_t i = 0; i < domain.videos.size(); ++i) STASIS_CHECK(add_video(builder, domain.videos[i], i));
    return {};
}

Result<void> add_input(CommandBuilder& builder, const model::Input& input, std::size_t index) {
    if (input.bus == "ps2") return {};  // part of the machine
    const bool known = input.type == "tablet" || input.type == "mouse" || input.type == "keyboard";
    if (!known || (input.bus != "usb" && input.bus != "virtio"))
        return not_expressible(fmt::format("input '{}' on bus '{}'", input.type, input.bus), "this driver does not know it",
                               "use bus 'usb' or 'virtio'");
    Json device = {{"id", fmt::format("input{}", index)}};
    if (input.bus == "virtio") {
        device["driver"] = "virtio-" + input.type + "-pci";
        return builder.pci_device(std::move(device), input.address);
    }
    device["driver"] = input.type == "keyboard" ? "usb-kbd" : "usb-" + input.type;
    const std::uint32_t bus = address_number(input.address, "bus").value_or(0);
    device["bus"] = bus == 0 ? "usb.0" : fmt::format("usb{}.0", bus);
    if (input.address)
        for (const auto& [key, value] : input.address->attributes)
            if (key == "port") device["port"] = value;
    builder.json_option("-device", device);
    return {};
}

Result<void> add_rng(CommandBuilder& builder, const model::Rng& rng, std::size_t index) {
    const std::string source = fmt::format("rng-source{}", index);
    builder.json_option("-object", Json{{"qom-type", "rng-random"}, {"id", source},
                                   {"filename", rng.backend.empty() ? "/dev/urandom" : rng.backend}});
    return builder.pci_device({{"driver", "virtio-rng-pci"}, {"id", fmt::format("rng{}", index)}, {"rng", source}}, rng.address);
}

void add_tpm(CommandBuilder& builder) {
    if (!builder.domain.tpm) return;
    builder.line.tpm_descriptor = builder.next_descriptor++;
    builder.option("-chardev", fmt::format("socket,id=char-tpm0,fd={}", builder.line.tpm_descriptor));
    builder.option("-tpmdev", "emulator,id=tpm-backend0,chardev=char-tpm0");
    builder.json_option("-device", Json{{"driver", builder.domain.tpm->model}, {"id", "tpm0"}, {"tpmdev", "tpm-backend0"}});
}

}  // namespace

Result<void> add_devices(CommandBuilder& builder) {
    const model::Domain& domain = builder.domain;
    STASIS_CHECK(add_display(builder));
    for (std::size_t i = 0; i < domain.interfaces.size(); ++i)
        STASIS_CHECK(add_interface(builder, domain.interfaces[i], i));
    for (std::size_t i = 0; i < domain.inputs.size(); ++i) STASIS_CHECK(add_input(builder, domain.inputs[i], i));
    for (std::size_t i = 0; i < domain.rngs.size(); ++i) STASIS_CHECK(add_rng(builder, domain.rngs[i], i));
    if (domain.balloon_model != "none")  // a definition that does not mention it gets one: libvirt's rule
        STASIS_CHECK(builder.pci_device({{"driver", "virtio-balloon-pci"}, {"id", "balloon0"}}, domain.balloon_address));
    add_tpm(builder);
    return {};
}

}  // namespace stasis::hypervisor::qemu
