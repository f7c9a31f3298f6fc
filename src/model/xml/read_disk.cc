#include <fmt/format.h>

#include "model/xml/read_parts.h"

namespace stasis::model {

namespace {

// libvirt derives the bus from the name where none is stated; its Xen names are the guest's virtio disks here.
DiskBus bus_by_name(std::string_view target) {
    if (target.starts_with("hd")) return DiskBus::ide;
    if (target.starts_with("sd")) return DiskBus::scsi;
    return DiskBus::virtio;
}

bool read_target(Cursor& disk, Disk& into) {
    auto target = disk.child("target");
    if (!target) {
        disk.invalid("<disk> has no <target>", "write <target dev='vda' bus='virtio'/>");
        return true;
    }
    const auto name = DiskTarget::parse(target->attribute_or("dev"));
    if (!name) {
        target->invalid(fmt::format("dev= of <target> is no device name: {}", name.error().why), "write vda, sda, hda, ...");
        return true;
    }
    into.target = *name;
    const auto bus = target->attribute("bus");
    const auto known = bus ? kDiskBuses.from(*bus) : bus_by_name(name->str());
    if (!known) return disk.skip(fmt::format("bus='{}'", *bus));
    into.bus = *known;
    target->finish();
    return true;
}

void read_source(Cursor& disk, Disk& into) {
    auto source = disk.child("source");
    if (!source) return;
    const auto* name = into.source_type == DiskSourceType::file ? "file" : "dev";
    into.source = source->path_attribute(name);
    source->finish();
}

void read_driver(Cursor& disk, Disk& into) {
    auto driver = disk.child("driver");
    if (driver) {
        if (const auto name = driver->attribute_or("name", "qemu"); name != "qemu") driver->bad_value("name", name);
        into.cache = driver->attribute_or("cache") == "default" ? "" : driver->one_of("cache", kCacheModes);
        into.discard = driver->one_of("discard", kDiscardModes);
        into.io = driver->one_of("io", kIoModes);
        into.detect_zeroes = driver->one_of("detect_zeroes", kDetectZeroes);
    }
    const auto format = driver ? driver->attribute("type") : std::nullopt;
    const auto known = format ? kImageFormats.from(*format) : ImageFormat::raw;
    if (!format && !into.source.empty())
        disk.invalid(fmt::format("disk '{}' does not say its image format", into.target.str()),
                     "write <driver name='qemu' type='qcow2'/> or type='raw': Stasis never guesses a format");
    if (!known)
        disk.invalid(fmt::format("disk '{}' has an image of format '{}', and only raw and qcow2 are known", into.target.str(), *format));
    into.format = known.value_or(ImageFormat::raw);
    if (driver) driver->finish();
}

}  // namespace

bool read_disk(Cursor& disk, Domain& domain) {
    Disk into;
    const auto type = disk.attribute_or("type", "file");
    const auto source_type = kDiskSourceTypes.from(type);
    if (!source_type) return disk.skip(fmt::format("type='{}'", type));
    const auto device_word = disk.attribute_or("device", "disk");
    const auto device = kDiskDevices.from(device_word);
    if (!device) return disk.skip(fmt::format("device='{}'", device_word));
    into.source_type = *source_type;
    into.device = *device;
    if (!read_target(disk, into)) return false;
    if (find_disk(domain, into.target) != nullptr)
        disk.invalid(fmt::format("there is a second disk '{}'", into.target.str()), "give each disk its own target");
    read_source(disk, into);
    read_driver(disk, into);
    into.read_only = disk.flag("readonly") || into.device == DiskDevice::cdrom;
    into.shareable = disk.flag("shareable");
    into.serial = disk.child_text("serial");
    into.snapshot = disk.one_of("snapshot", kDiskSnapshots);
    into.boot_order = read_boot_order(disk);
    into.address = read_address(disk);
    into.alias = read_alias(disk);
    disk.finish();
    domain.disks.push_back(std::move(into));
    return true;
}

}  // namespace stasis::model
