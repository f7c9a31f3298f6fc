#include "model/xlcfg_devices.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "codec/xlcfg/disk_spec.h"
#include "model/xml/words.h"

namespace stasis::model {

using codec::xlcfg::Atom;
using codec::xlcfg::DiskSpec;
using codec::xlcfg::Place;
using codec::xlcfg::refuse;

Result<void> XlInput::outside(const Place& place, const std::string& what) {
    if (!options.lenient)
        return refuse(source, place, what + " is outside the part of xl.cfg that Stasis reads", "remove it, or leave it out with --lenient");
    left_out.push_back(fmt::format("line {}: {}", place.line, what));
    return {};
}

Result<std::string> XlInput::resolve(const Place& place, const std::string& path) const {
    if (path.empty() || path[0] == '/') return path;
    if (options.base_folder.empty()) return refuse(source, place, fmt::format("path '{}' is relative", path), "write an absolute path");
    const std::string_view rest = path.starts_with("./") ? std::string_view(path).substr(2) : std::string_view(path);
    return fmt::format("{}{}{}", options.base_folder, options.base_folder.ends_with('/') ? "" : "/", rest);
}

namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

std::optional<DiskBus> bus_of(std::string_view vdev) {
    constexpr std::array<std::pair<std::string_view, DiskBus>, 4> kBuses{
        {{"xvd", DiskBus::virtio}, {"vd", DiskBus::virtio}, {"hd", DiskBus::ide}, {"sd", DiskBus::scsi}}};
    for (const auto& [prefix, bus] : kBuses) {
        if (!vdev.starts_with(prefix)) continue;
        const auto letters = vdev.substr(prefix.size());
        const bool whole = !letters.empty() && std::ranges::all_of(letters, [](char c) { return c >= 'a' && c <= 'z'; });
        if (whole) return bus;
    }
    return std::nullopt;
}

Result<Disk> disk_of(const XlInput& in, const Place& place, const DiskSpec& spec) {
    Disk disk;
    const auto bus = bus_of(spec.vdev);
    const auto target = DiskTarget::parse(spec.vdev);
    if (!bus || !target)
        return refuse(in.source, place, fmt::format("'{}' is no whole disk that QEMU could offer", spec.vdev), "write vda, xvda, sda or hda");
    disk.target = *target;
    disk.bus = spec.specification == "virtio" ? DiskBus::virtio : *bus;
    disk.device = spec.cdrom ? DiskDevice::cdrom : DiskDevice::disk;
    disk.read_only = !spec.writable;
    if (spec.discard) disk.discard = *spec.discard ? "unmap" : "ignore";
    const auto format = spec.format == "empty" ? ImageFormat::raw : image_format_from(spec.format);
    if (!format) return refuse(in.source, place, fmt::format("images of format '{}' are not supported", spec.format), "convert it to qcow2 or raw");
    disk.format = *format;
    if (spec.format == "empty" && !spec.target.empty()) return refuse(in.source, place, "a drive is called empty and has a target");
    // xl puts any relative path below /dev; here only those of devices, others are relative to the file's folder.
    const bool below_dev = spec.physical && !spec.target.empty() && spec.target[0] != '/';
    STASIS_TRY(disk.source, in.resolve(place, below_dev ? "/dev/" + spec.target : spec.target));
    if (disk.source.starts_with("/dev/")) disk.source_type = DiskSourceType::block;
    return disk;
}

Result<void> set_vif(XlInput& in, const Place& place, std::string_view key, std::string_view value, Interface& into) {
    if (key == "mac") {
        into.mac = value;
        std::ranges::transform(into.mac, into.mac.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    } else if (key == "bridge") {
        into.source = value;
    } else if (key == "model") {
        into.model = value;
    } else if (key == "vifname") {
        into.target = value;
    } else if (key == "type") {
        if (value != "ioemu" && value != "vif") return refuse(in.source, place, fmt::format("type={} of a vif is neither ioemu nor vif", value));
        if (value == "vif" && into.model.empty()) into.model = "virtio";
    } else {
        return in.outside(place, fmt::format("'{}' of a vif", key));
    }
    return {};
}

}  // namespace

Result<void> add_xl_disk(XlInput& in, const Atom& text, Domain& domain) {
    const auto spec = codec::xlcfg::parse_disk_spec(text.text);
    if (!spec) return refuse(in.source, text.place, fmt::format("disk '{}': {}", text.text, spec.error().why), spec.error().next);
    if (spec->specification == "xen" || !spec->foreign.empty()) {
        const auto what = spec->foreign.empty() ? std::string("specification=xen") : spec->foreign.front();
        return in.outside(text.place, fmt::format("disk '{}' with {}", spec->vdev, what));
    }
    STASIS_TRY(auto disk, disk_of(in, text.place, *spec));
    if (find_disk(domain, disk.target) != nullptr)
        return refuse(in.source, text.place, fmt::format("there is a second disk '{}'", spec->vdev), "give each disk its own vdev");
    domain.disks.push_back(std::move(disk));
    return {};
}

Result<void> add_xl_vif(XlInput& in, const Atom& text, Domain& domain) {
    Interface interface{.type = InterfaceType::bridge, .source = "xenbr0", .model = {}};
    for (const auto part : split(text.text, ',')) {
        const auto parameter = trimmed(part);
        if (parameter.empty()) continue;
        const auto equals = parameter.find('=');
        const auto key = trimmed(parameter.substr(0, equals));
        const auto value = equals == std::string_view::npos ? std::string_view{} : trimmed(parameter.substr(equals + 1));
        if (value.empty()) return refuse(in.source, text.place, fmt::format("'{}' of a vif has no value", key));
        STASIS_CHECK(set_vif(in, text.place, key, value, interface));
    }
    if (interface.model.empty()) interface.model = "rtl8139";  // xl's default, and libvirt's
    domain.interfaces.push_back(std::move(interface));
    return {};
}

Result<void> add_xl_serial(XlInput& in, const Atom& text, Domain& domain) {
    const std::string_view word = text.text;
    if (word == "none") return {};
    CharDevice port;
    if (word == "null") {
        port.backend = CharBackend::null;
    } else if (word.starts_with("file:")) {
        port.backend = CharBackend::file;
        STASIS_TRY(port.path, in.resolve(text.place, text.text.substr(5)));
    } else if (word.starts_with("unix:")) {
        port.backend = CharBackend::unix_socket;
        const auto parts = split(word.substr(5), ',');
        port.listen = false;
        for (std::size_t i = 1; i < parts.size(); ++i) {
            if (parts[i] == "server")
                port.listen = true;
            else if (parts[i] != "nowait")
                return in.outside(text.place, fmt::format("serial port '{}'", word));
        }
        STASIS_TRY(port.path, in.resolve(text.place, std::string(parts[0])));
    } else if (word != "pty") {
        return in.outside(text.place, fmt::format("serial port '{}'", word));
    }
    if (port.path.empty() && (port.backend == CharBackend::file || port.backend == CharBackend::unix_socket))
        return refuse(in.source, text.place, fmt::format("serial port '{}' names no path", word));
    domain.serials.push_back(std::move(port));
    return {};
}

}  // namespace stasis::model
