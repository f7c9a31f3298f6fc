#include "host/definitions.h"

#include <algorithm>

#include "model/domain_xlcfg.h"

namespace stasis::host {
namespace {

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    return slash == std::string::npos ? std::string{} : path.substr(0, slash);
}

bool looks_like_xml(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '<';
}

std::unexpected<Error> bad_option(const std::string& option, const std::string& value, std::string why, std::string next = {}) {
    return fail(ErrorKind::invalid, "read option " + option, "'" + value + "'", std::move(why), std::move(next));
}

Result<model::Disk> disk_from(const DefineDisk& given) {
    model::Disk disk;
    STASIS_TRY(disk.target, DiskTarget::parse(given.target));
    disk.source = given.path;
    const auto format = model::image_format_from(given.format);
    if (!format) return bad_option("--disk", given.format, "the format is not known", "write format=qcow2 or format=raw");
    disk.format = *format;
    const auto bus = model::disk_bus_from(given.bus);
    if (!bus) return bad_option("--disk", given.bus, "the bus is not known", "write bus=virtio, scsi, sata or ide");
    disk.bus = *bus;
    disk.source_type = given.path.starts_with("/dev/") ? model::DiskSourceType::block : model::DiskSourceType::file;
    disk.read_only = given.read_only;
    disk.serial = given.serial;
    disk.cache = given.cache;
    disk.discard = given.discard;
    return disk;
}

Result<model::Interface> interface_from(const std::string& text) {
    model::Interface interface;
    if (text == "user") return interface;
    const std::size_t equals = text.find('=');
    const std::string kind = text.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (kind == "bridge" && !value.empty()) {
        interface.type = model::InterfaceType::bridge;
        interface.source = value;
        return interface;
    }
    if (kind == "tap" && !value.empty()) {
        interface.type = model::InterfaceType::tap;
        interface.target = value;
        return interface;
    }
    return bad_option("--network", text, "the kind is not known", "write user, bridge=NAME or tap=NAME");
}

Result<model::CharDevice> serial_from(const std::string& text) {
    model::CharDevice device;
    if (text == "pty") return device;
    const std::size_t colon = text.find(':');
    const std::string kind = text.substr(0, colon);
    device.path = colon == std::string::npos ? "" : text.substr(colon + 1);
    if (kind == "file") device.backend = model::CharBackend::file;
    if (kind == "unix") device.backend = model::CharBackend::unix_socket;
    if (device.backend != model::CharBackend::pty && !device.path.empty()) return device;
    return bad_option("--serial", text, "the kind is not known", "write pty, file:PATH or unix:PATH");
}

/// 52:54:00 and three bytes of a hash of uuid and position: the same document gives the same address again.
std::string mac_for(const Uuid& uuid, std::size_t position) {
    std::uint32_t hash = 2166136261u;  // FNV-1a
    const auto mix = [&](std::uint8_t byte) { hash = (hash ^ byte) * 16777619u; };
    for (std::uint8_t byte : uuid.bytes) mix(byte);
    mix(static_cast<std::uint8_t>(position));
    char text[18];
    std::snprintf(text, sizeof text, "52:54:00:%02x:%02x:%02x", (hash >> 16) & 0xff, (hash >> 8) & 0xff, hash & 0xff);
    return text;
}

/// libvirt's habit: firmware from pflash gets a variable store of its own, made from the template at first start.
void complete_nvram(const std::string& root, model::Domain& domain) {
    model::Os& os = domain.os;
    if (os.loader.empty() || os.loader_type != "pflash") return;
    if (os.nvram.empty()) os.nvram = root + "/nvram/" + domain.uuid.str() + ".fd";
    if (!os.nvram_template.empty()) return;
    const std::size_t code = os.loader.rfind("CODE");
    if (code != std::string::npos) os.nvram_template = std::string(os.loader).replace(code, 4, "VARS");
}

}  // namespace

Result<model::ParsedDomain> read_definition(const DefineOptions& options) {
    const model::DomainXmlOptions reading{options.lenient, folder_of(options.source)};
    const bool xml = options.syntax == DefinitionSyntax::xml ||
                     (options.syntax == DefinitionSyntax::detect && looks_like_xml(options.text));
    return xml ? model::domain_from_xml(options.text, options.source, reading)
               : model::domain_from_xlcfg(options.text, options.source, reading);
}

Result<model::Domain> definition_from_options(const DefineAsOptions& options) {
    model::Domain domain;
    STASIS_TRY(domain.name, DomainName::parse(options.name));
    domain.title = options.title;
    domain.description = options.description;
    domain.memory_bytes = options.memory.value;
    domain.vcpus = options.vcpus;
    domain.os.machine = options.machine;
    domain.os.kernel = options.kernel;
    domain.os.initrd = options.initrd;
    domain.os.cmdline = options.cmdline;
    domain.features = {{"acpi", ""}, {"apic", ""}};
    domain.qemu_args = options.qemu_args;
    for (const DefineDisk& given : options.disks) {
        STASIS_TRY(model::Disk disk, disk_from(given));
        domain.disks.push_back(std::move(disk));
    }
    for (const std::string& text : options.networks) {
        STASIS_TRY(model::Interface interface, interface_from(text));
        domain.interfaces.push_back(std::move(interface));
    }
    if (!options.serial.empty()) {
        STASIS_TRY(model::CharDevice serial, serial_from(options.serial));
        domain.serials.push_back(std::move(serial));
    }
    if (!options.channel.empty()) {
        domain.channels.push_back({.backend = model::CharBackend::unix_socket, .path = options.channel,
                                   .target_type = "virtio", .target_name = "org.qemu.guest_agent.0"});
    }
    if (!options.vnc.empty()) domain.vnc = model::Vnc{options.vnc};
    return domain;
}

Result<void> complete_definition(World& world, const std::string& root, const std::optional<Uuid>& known,
                                 model::Domain& domain) {
    if (domain.uuid.is_nil()) domain.uuid = known.value_or(Uuid::random());
    for (std::size_t i = 0; i < domain.interfaces.size(); ++i) {
        if (domain.interfaces[i].mac.empty()) domain.interfaces[i].mac = mac_for(domain.uuid, i);
    }
    STASIS_TRY(domain.os.machine,
               world.ports().lifecycle.resolve_machine(domain.emulator, domain.os.arch, domain.os.machine));
    complete_nvram(root, domain);
    return model::validate(domain);
}

}  // namespace stasis::host
