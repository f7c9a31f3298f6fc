// Serial ports, consoles and channels.
#include <fmt/format.h>

#include "hypervisor/qemu/command_builder.h"

namespace stasis::hypervisor::qemu {
namespace {

using model::CharBackend;
using model::CharDevice;

/// The backend as -chardev; that option has no JSON form.
void add_backend(CommandBuilder& builder, const CharDevice& device, const std::string& id, const std::string& own_path) {
    const bool continues = builder.input.request.await_memory || builder.input.request.replaces_running;
    std::string value;
    switch (device.backend) {
        case CharBackend::null: value = "null,id=" + id; break;
        case CharBackend::pty: value = "pty,id=" + id; break;
        case CharBackend::file:
            // A restored guest goes on writing where the one it replaces stopped.
            value = fmt::format("file,id={},path={},append={}", id, escaped(device.path),
                                device.append || continues ? "on" : "off");
            break;
        case CharBackend::unix_socket: {
            const bool named = !device.path.empty();
            const std::string path = named ? device.path : own_path;
            if (device.listen || !named) {
                value = fmt::format("socket,id={},fd={},server=on,wait=off", id, builder.listen(path));
                if (named) builder.line.user_sockets.push_back(path);
            } else {
                value = fmt::format("socket,id={},path={}", id, escaped(path));
            }
            break;
        }
    }
    builder.option("-chardev", value);
}

Result<void> add_serial(CommandBuilder& builder, const CharDevice& device, std::size_t index) {
    const std::string& type = device.target_type;
    const bool plain = type.empty() || type == "isa-serial" || type == "isa" || type == "serial" || type == "system-serial";
    if (!plain) return not_expressible("serial port of type '" + type + "'", "this driver does not know it", "use 'isa-serial'");
    const std::string id = fmt::format("char-serial{}", index);
    add_backend(builder, device, id, builder.input.folder.path + fmt::format("/serial-{}.sock", index));
    if (builder.traits.x86) {
        builder.json_option("-device", Json{{"driver", "isa-serial"}, {"id", fmt::format("serial{}", index)}, {"chardev", id},
                                       {"index", device.port.value_or(static_cast<std::uint32_t>(index))}});
    } else {
        builder.option("-serial", "chardev:" + id);
    }
    return {};
}

/// Port 0 of a virtio-serial controller is kept for a console.
struct PortNumbers {
    std::uint32_t next_channel = 1;
    std::uint32_t next_console = 0;
};

void add_virtio_port(CommandBuilder& builder, Json device, const CharDevice& character, std::uint32_t number) {
    const std::uint32_t controller = address_number(character.address, "controller").value_or(0);
    device["bus"] = fmt::format("virtio-serial{}.0", controller);
    device["nr"] = address_number(character.address, "port").value_or(number);
    builder.json_option("-device", device);
}

Result<void> add_console(CommandBuilder& builder, const CharDevice& device, std::size_t index, PortNumbers& ports) {
    if (device.target_type == "virtio") {
        const std::string id = fmt::format("char-console{}", index);
        add_backend(builder, device, id, builder.input.folder.path + fmt::format("/console-{}.sock", index));
        const std::uint32_t number = ports.next_console == 0 ? 0 : ports.next_channel++;
        ++ports.next_console;
        add_virtio_port(builder, {{"driver", "virtconsole"}, {"id", fmt::format("console{}", index)}, {"chardev", id}},
                        device, number);
        return {};
    }
    // libvirt repeats the first serial port as a console: it is the same device.
    if (index < builder.domain.serials.size()) return {};
    return add_serial(builder, device, index);
}

Result<void> add_channel(CommandBuilder& builder, const CharDevice& device, std::size_t index, PortNumbers& ports) {
    if (!device.target_type.empty() && device.target_type != "virtio")
        return not_expressible("channel of type '" + device.target_type + "'", "this driver does not know it", "use 'virtio'");
    const std::string id = fmt::format("char-channel{}", index);
    add_backend(builder, device, id, builder.input.folder.channel(index));
    Json port = {{"driver", "virtserialport"}, {"id", fmt::format("channel{}", index)}, {"chardev", id}};
    if (!device.target_name.empty()) port["name"] = device.target_name;
    add_virtio_port(builder, std::move(port), device, ports.next_channel++);
    return {};
}

}  // namespace

Result<void> add_characters(CommandBuilder& builder) {
    PortNumbers ports;
    const model::Domain& domain = builder.domain;
    for (std::size_t i = 0; i < domain.serials.size(); ++i) STASIS_CHECK(add_serial(builder, domain.serials[i], i));
    for (std::size_t i = 0; i < domain.channels.size(); ++i)
        STASIS_CHECK(add_channel(builder, domain.channels[i], i, ports));
    for (std::size_t i = 0; i < domain.consoles.size(); ++i)
        STASIS_CHECK(add_console(builder, domain.consoles[i], i, ports));
    return {};
}

}  // namespace stasis::hypervisor::qemu
