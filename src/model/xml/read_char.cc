#include <fmt/format.h>

#include "model/xml/read_parts.h"

namespace stasis::model {

namespace {

void read_source(Cursor& device, CharDevice& into) {
    auto source = device.child("source");
    const bool has_path = into.backend == CharBackend::file || into.backend == CharBackend::unix_socket;
    if (source) {
        if (has_path)
            into.path = source->path_attribute("path");
        else
            source->attribute("path");  // the number of a pty is of one run
        if (into.backend == CharBackend::file) {
            const auto append = source->one_of("append", kStates);
            into.append = append == "on";
        }
        if (into.backend == CharBackend::unix_socket) {
            const auto mode = source->attribute_or("mode", "bind");
            if (mode != "bind" && mode != "connect") source->bad_value("mode", mode);
            into.listen = mode == "bind";
        }
        source->finish();
    }
    if (into.path.empty() && into.backend == CharBackend::file) device.invalid("a port that writes to a file names no <source path=>");
}

// libvirt 4 and later repeat the kind of port as <model>; one that differs is another device.
void read_model(Cursor& target, const std::string& type) {
    auto model = target.child("model");
    if (!model) return;
    const auto name = model->attribute_or("name");
    if (name != type) target.outside(model->element().line, fmt::format("<model name='{}'>", name), target.path());
    model->finish();
}

}  // namespace

bool read_char(Cursor& device, CharDevice& into) {
    const auto word = device.attribute_or("type");
    const auto backend = kCharBackends.from(word);
    if (!backend) return device.skip(fmt::format("type='{}'", word));
    into.backend = *backend;
    read_source(device, into);
    if (auto target = device.child("target")) {
        into.target_type = target->attribute_or("type");
        into.target_name = target->attribute_or("name");
        into.port = target->number("port");
        read_model(*target, into.target_type);
        target->finish();
    }
    into.address = read_address(device);
    into.alias = read_alias(device);
    device.finish();
    return true;
}

bool is_libvirt_run_path(std::string_view path) {
    return path.starts_with("/var/lib/libvirt/qemu/") || path.starts_with("/run/libvirt/qemu/") ||
           path.starts_with("/var/run/libvirt/qemu/");
}

bool read_channel(Cursor& channel, Domain& domain) {
    CharDevice into;
    if (!read_char(channel, into)) return false;
    if (into.target_type != "virtio") return channel.skip(fmt::format("target type='{}'", into.target_type));
    if (is_libvirt_run_path(into.path)) into.path.clear();
    domain.channels.push_back(std::move(into));
    return true;
}

bool read_graphics(Cursor& graphics, Domain& domain) {
    const auto type = graphics.attribute_or("type");
    if (type != "vnc") return graphics.skip(fmt::format("type='{}'", type));
    Vnc into;
    const auto direct = graphics.path_attribute("socket");
    std::string listening;
    bool on_socket = !direct.empty();
    if (auto listen = graphics.child("listen")) {
        const auto kind = listen->attribute_or("type");
        if (kind != "socket") return graphics.skip(fmt::format("type='vnc' with <listen type='{}'>: VNC is served on a UNIX socket only", kind));
        listening = listen->path_attribute("socket");
        on_socket = true;
        listen->finish();
    }
    if (!on_socket) return graphics.skip("type='vnc' without a socket: VNC is served on a UNIX socket only");
    if (!direct.empty() && !listening.empty() && direct != listening) graphics.invalid("socket= and <listen socket=> differ");
    into.socket = direct.empty() ? listening : direct;
    if (is_libvirt_run_path(into.socket)) into.socket.clear();
    graphics.finish();
    if (domain.vnc) graphics.invalid("there is a second <graphics type='vnc'>", "leave one");
    domain.vnc = std::move(into);
    return true;
}

}  // namespace stasis::model
