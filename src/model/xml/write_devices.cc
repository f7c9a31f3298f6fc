#include "model/xml/words.h"
#include "model/xml/write_parts.h"

namespace stasis::model {

using codec::xml::Element;

namespace {

void write_interface(Element& devices, const Interface& interface) {
    Element& element = add(devices, "interface");
    set(element, "type", std::string(kInterfaceTypes.of(interface.type)));
    if (!interface.mac.empty()) set(add(element, "mac"), "address", interface.mac);
    if (!interface.source.empty()) set(add(element, "source"), "bridge", interface.source);
    if (interface.type == InterfaceType::tap && interface.script != "no") set(add(element, "script"), "path", interface.script);
    if (!interface.target.empty()) set(add(element, "target"), "dev", interface.target);
    set(add(element, "model"), "type", interface.model);
    write_boot_order(element, interface.boot_order);
    write_alias(element, interface.alias);
    write_address(element, interface.address);
}

void write_char(Element& devices, std::string_view name, const CharDevice& device) {
    Element& element = add(devices, name);
    set(element, "type", std::string(kCharBackends.of(device.backend)));
    const bool connects = device.backend == CharBackend::unix_socket && !device.listen;
    if (!device.path.empty() || connects || device.append) {
        Element& source = add(element, "source");
        if (device.backend == CharBackend::unix_socket) set(source, "mode", device.listen ? "bind" : "connect");
        set_unless_empty(source, "path", device.path);
        if (device.append) set(source, "append", "on");
    }
    if (!device.target_type.empty() || !device.target_name.empty() || device.port) {
        Element& target = add(element, "target");
        set_unless_empty(target, "type", device.target_type);
        set_unless_empty(target, "name", device.target_name);
        if (device.port) set(target, "port", std::to_string(*device.port));
    }
    write_alias(element, device.alias);
    write_address(element, device.address);
}

void write_controller(Element& devices, const Controller& controller) {
    Element& element = add(devices, "controller");
    set(element, "type", controller.type);
    set(element, "index", std::to_string(controller.index));
    set_unless_empty(element, "model", controller.model);
    if (const auto inner = codec::xml::parse("<x>" + controller.inner_xml + "</x>", "controller"))
        for (const auto& child : inner->children) element.children.push_back(child);
    write_alias(element, controller.alias);
    write_address(element, controller.address);
}

void write_graphics(Element& devices, const Vnc& vnc) {
    Element& element = add(devices, "graphics");
    set(element, "type", "vnc");
    Element& listen = add(element, "listen");
    set(listen, "type", "socket");
    set_unless_empty(listen, "socket", vnc.socket);
}

void write_rng(Element& devices, const Rng& rng) {
    Element& element = add(devices, "rng");
    set(element, "model", "virtio");
    set(add(element, "backend", rng.backend), "model", "random");
    write_alias(element, rng.alias);
    write_address(element, rng.address);
}

void write_tpm(Element& devices, const Tpm& tpm) {
    Element& element = add(devices, "tpm");
    set(element, "model", tpm.model);
    Element& backend = add(element, "backend");
    set(backend, "type", "emulator");
    set(backend, "version", tpm.version);
}

void write_input(Element& devices, const Input& input) {
    Element& element = add(devices, "input");
    set(element, "type", input.type);
    set(element, "bus", input.bus);
    write_alias(element, input.alias);
    write_address(element, input.address);
}

void write_video(Element& devices, const Video& video) {
    Element& element = add(devices, "video");
    Element& model = add(element, "model");
    set(model, "type", video.model);
    if (video.vram_kib) set(model, "vram", std::to_string(*video.vram_kib));
    write_alias(element, video.alias);
    write_address(element, video.address);
}

void write_balloon(Element& devices, const Domain& domain) {
    Element& element = add(devices, "memballoon");
    set(element, "model", domain.balloon_model);
    write_address(element, domain.balloon_address);
}

void write_driver(Element& element, const Disk& disk) {
    Element& driver = add(element, "driver");
    set(driver, "name", "qemu");
    set(driver, "type", std::string(kImageFormats.of(disk.format)));
    set_unless_empty(driver, "cache", disk.cache);
    set_unless_empty(driver, "io", disk.io);
    set_unless_empty(driver, "discard", disk.discard);
    set_unless_empty(driver, "detect_zeroes", disk.detect_zeroes);
}

}  // namespace

void write_address(Element& device, const std::optional<Address>& address) {
    if (!address) return;
    Element& element = add(device, "address");
    set_unless_empty(element, "type", address->type);
    for (const auto& [name, value] : address->attributes) element.attributes.push_back({.name = name, .value = value});
}

void write_alias(Element& device, const std::string& alias) {
    if (!alias.empty()) set(add(device, "alias"), "name", alias);
}

void write_boot_order(Element& device, std::optional<std::uint32_t> order) {
    if (order) set(add(device, "boot"), "order", std::to_string(*order));
}

void write_disk(Element& devices, const Disk& disk) {
    Element& element = add(devices, "disk");
    set(element, "type", std::string(kDiskSourceTypes.of(disk.source_type)));
    set(element, "device", std::string(kDiskDevices.of(disk.device)));
    set_unless_empty(element, "snapshot", disk.snapshot);
    write_driver(element, disk);
    if (!disk.source.empty()) set(add(element, "source"), disk.source_type == DiskSourceType::file ? "file" : "dev", disk.source);
    Element& target = add(element, "target");
    set(target, "dev", disk.target.str());
    set(target, "bus", std::string(kDiskBuses.of(disk.bus)));
    if (disk.read_only) add(element, "readonly");
    if (disk.shareable) add(element, "shareable");
    add_unless_empty(element, "serial", disk.serial);
    write_boot_order(element, disk.boot_order);
    write_alias(element, disk.alias);
    write_address(element, disk.address);
}

void write_devices(Element& root, const Domain& domain) {
    Element& devices = add(root, "devices");
    add_unless_empty(devices, "emulator", domain.emulator);
    for (const auto& disk : domain.disks) write_disk(devices, disk);
    for (const auto& controller : domain.controllers) write_controller(devices, controller);
    for (const auto& interface : domain.interfaces) write_interface(devices, interface);
    for (const auto& serial : domain.serials) write_char(devices, "serial", serial);
    for (const auto& console : domain.consoles) write_char(devices, "console", console);
    for (const auto& channel : domain.channels) write_char(devices, "channel", channel);
    for (const auto& input : domain.inputs) write_input(devices, input);
    if (domain.tpm) write_tpm(devices, *domain.tpm);
    if (domain.vnc) write_graphics(devices, *domain.vnc);
    for (const auto& video : domain.videos) write_video(devices, video);
    if (!domain.balloon_model.empty()) write_balloon(devices, domain);
    for (const auto& rng : domain.rngs) write_rng(devices, rng);
}

}  // namespace stasis::model
