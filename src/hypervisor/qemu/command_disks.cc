// Disks: every image of every chain as explicit nodes, and the device that the guest sees.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "hypervisor/qemu/block_nodes.h"
#include "hypervisor/qemu/command_builder.h"

namespace stasis::hypervisor::qemu {
namespace {

/// Which device boots when: stated per device, or derived from <boot dev=>: the first of each kind.
using BootIndexes = std::map<DiskTarget, std::uint32_t>;
BootIndexes boot_indexes(const model::Domain& domain) {
    BootIndexes indexes;
    for (const auto& disk : domain.disks)
        if (disk.boot_order) indexes[disk.target] = *disk.boot_order;
    const bool stated = !indexes.empty() || std::ranges::any_of(domain.interfaces, [](const auto& nic) {
        return nic.boot_order.has_value();
    });
    if (stated) return indexes;
    const std::vector<std::string> order = domain.os.boot.empty() ? std::vector<std::string>{"hd"} : domain.os.boot;
    std::uint32_t next = 1;
    for (const std::string& kind : order) {
        const auto device = kind == "cdrom" ? model::DiskDevice::cdrom : model::DiskDevice::disk;
        const auto found = std::ranges::find(domain.disks, device, &model::Disk::device);
        if (kind == "hd" || kind == "cdrom")
            if (found != domain.disks.end()) indexes.emplace(found->target, next);
        ++next;  // a network card counts its own place the same way: command_devices.cc
    }
    return indexes;
}

/// Lowest layer first: a node can only name those that exist.
void add_chain(CommandBuilder& builder, const model::Disk& disk, const model::AttachedDisk& attached) {
    const DiskOptions options = disk_options(disk);
    std::optional<std::string> backing;
    for (auto layer = attached.chain.rbegin(); layer != attached.chain.rend(); ++layer) {
        const bool active = &*layer == &attached.chain.front();
        const auto& known = builder.input.block_devices;
        const bool read_only = disk.read_only || disk.device == model::DiskDevice::cdrom;
        const auto [file, format] = image_nodes({.image = *layer,
                                                 .target = disk.target,
                                                 .options = options,
                                                 .block_device = std::ranges::find(known, layer->path) != known.end(),
                                                 .read_only = read_only || !active,
                                                 .never_written = read_only,
                                                 .backing = backing});
        builder.json_option("-blockdev", file);
        builder.json_option("-blockdev", format);
        backing = model::node_name(disk.target, layer->id);
    }
}

struct DrivePlace {
    std::uint32_t controller = 0, bus = 0, target = 0, unit = 0;
};

/// The stated drive address, or the position among the disks of the same bus.
DrivePlace drive_place(const model::Disk& disk, std::uint32_t position) {
    if (disk.address && disk.address->type == "drive")
        return {address_number(disk.address, "controller").value_or(0), address_number(disk.address, "bus").value_or(0),
                address_number(disk.address, "target").value_or(0), address_number(disk.address, "unit").value_or(0)};
    if (disk.bus == model::DiskBus::ide) return {0, position / 2, 0, position % 2};
    return {0, 0, 0, position};
}

Result<void> put_on_bus(CommandBuilder& builder, Json& device, const model::Disk& disk, std::uint32_t position) {
    const bool cdrom = disk.device == model::DiskDevice::cdrom;
    const DrivePlace place = drive_place(disk, position);
    switch (disk.bus) {
        case model::DiskBus::virtio:
            if (cdrom) return not_expressible("disk " + disk.target.str(), "a CD-ROM cannot be on bus 'virtio'", "use 'sata'");
            device["driver"] = "virtio-blk-pci";
            return builder.places.place(device, disk.address);
        case model::DiskBus::scsi:
            device["driver"] = cdrom ? "scsi-cd" : "scsi-hd";
            device["bus"] = fmt::format("scsi{}.0", place.controller);
            device["channel"] = 0;
            device["scsi-id"] = place.target == 0 && !disk.address ? place.unit : place.target;
            device["lun"] = disk.address ? place.unit : 0;
            return {};
        case model::DiskBus::sata:
            device["driver"] = cdrom ? "ide-cd" : "ide-hd";
            device["bus"] = place.controller == 0 && builder.traits.builtin_ahci
                                ? fmt::format("ide.{}", place.unit)
                                : fmt::format("sata{}.{}", place.controller, place.unit);
            return {};
        case model::DiskBus::ide:
            if (!builder.traits.builtin_ide)
                return not_expressible("disk " + disk.target.str(), "this machine type has no IDE controller", "use bus 'sata'");
            device["driver"] = cdrom ? "ide-cd" : "ide-hd";
            device["bus"] = fmt::format("ide.{}", place.bus);
            device["unit"] = place.unit;
            return {};
    }
    return {};
}

Result<void> add_device(CommandBuilder& builder, const model::Disk& disk, const model::AttachedDisk* attached,
                        const BootIndexes& boot, std::uint32_t position) {
    Json device = {{"id", device_id(disk.target)}};
    STASIS_CHECK(put_on_bus(builder, device, disk, position));
    if (attached != nullptr && !attached->chain.empty())
        device["drive"] = model::node_name(disk.target, attached->chain.front().id);
    if (!disk.serial.empty()) device["serial"] = disk.serial;
    if (disk.shareable) device["share-rw"] = true;
    const bool through = disk.cache == "writethrough" || disk.cache == "directsync";
    if (!disk.cache.empty() && disk.device == model::DiskDevice::disk) device["write-cache"] = through ? "off" : "on";
    if (const auto found = boot.find(disk.target); found != boot.end()) device["bootindex"] = found->second;
    builder.json_option("-device", device);
    return {};
}

}  // namespace

Result<void> add_disks(CommandBuilder& builder) {
    const BootIndexes boot = boot_indexes(builder.domain);
    std::map<model::DiskBus, std::uint32_t> positions;
    for (const model::Disk& disk : builder.domain.disks) {
        const auto& all = builder.input.request.disks;
        const auto attached = std::ranges::find(all, disk.target, &model::AttachedDisk::target);
        const bool has_medium = attached != all.end() && !attached->chain.empty();
        if (!has_medium && disk.device == model::DiskDevice::disk)
            return fail(ErrorKind::invalid, "describe the guest to QEMU", "disk " + disk.target.str(), "it has no image");
        if (has_medium) add_chain(builder, disk, *attached);
        STASIS_CHECK(add_device(builder, disk, has_medium ? &*attached : nullptr, boot, positions[disk.bus]++));
    }
    return {};
}

}  // namespace stasis::hypervisor::qemu
