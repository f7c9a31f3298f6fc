#include "model/domain.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "model/xml/domain_tree.h"
#include "model/xml/words.h"

namespace stasis::model {

namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::size_t kMacLength = 17;  // "52:54:00:12:34:56"

std::unexpected<Error> refuse(const Domain& domain, std::string why, std::string next = {}) {
    return fail(ErrorKind::invalid, "use definition", fmt::format("domain '{}'", domain.name.str()), std::move(why), std::move(next));
}

Result<void> check_size(const Domain& domain) {
    if (domain.name.str().empty()) return refuse(domain, "it has no name", "give it one");
    if (domain.memory_bytes < kMiB) return refuse(domain, "it has less than 1 MiB of memory", "give it more");
    if (domain.memory_bytes % kMiB != 0) return refuse(domain, "its memory is no whole number of MiB", "round it up");
    if (domain.memory_bytes > kDomainMemoryBytesMax)
        return refuse(domain, fmt::format("it has more than {} TiB of memory", kDomainMemoryBytesMax >> 40));
    if (domain.vcpus == 0 || domain.vcpus > kDomainVcpusMax)
        return refuse(domain, fmt::format("it has {} vCPUs, and 1 to {} are possible", domain.vcpus, kDomainVcpusMax));
    if (domain.disks.size() > kDomainDisksMax) return refuse(domain, fmt::format("it has more than {} disks", kDomainDisksMax));
    if (const auto& topology = domain.cpu.topology) {
        std::uint64_t count = 1;  // 4096 at most after each step, so no overflow
        for (const auto part : *topology) {
            count *= part;
            if (count == 0 || count > kDomainVcpusMax) break;
        }
        if (count != domain.vcpus)
            return refuse(domain, fmt::format("its CPU topology does not make {} vCPUs", domain.vcpus), "sockets x cores x threads must give the vCPUs");
    }
    return {};
}

Result<void> check_path(const Domain& domain, std::string_view what, const std::string& path) {
    if (path.empty()) return {};
    if (path[0] != '/') return refuse(domain, fmt::format("the path of its {} is not absolute: '{}'", what, path), "write it from / on");
    const bool control = std::ranges::any_of(path, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
    if (control) return refuse(domain, fmt::format("the path of its {} holds a control character", what));
    return {};
}

Result<void> check_paths(const Domain& domain) {
    const Os& os = domain.os;
    const std::pair<std::string_view, const std::string*> paths[] = {
        {"emulator", &domain.emulator}, {"loader", &os.loader}, {"nvram", &os.nvram},  {"nvram template", &os.nvram_template},
        {"kernel", &os.kernel},         {"initrd", &os.initrd}, {"VNC socket", domain.vnc ? &domain.vnc->socket : nullptr},
    };
    for (const auto& [what, path] : paths)
        if (path != nullptr) STASIS_CHECK(check_path(domain, what, *path));
    for (const auto* devices : {&domain.serials, &domain.consoles, &domain.channels})
        for (const auto& device : *devices) STASIS_CHECK(check_path(domain, "serial port, console or channel", device.path));
    for (const auto& rng : domain.rngs) STASIS_CHECK(check_path(domain, "random source", rng.backend));
    return {};
}

Result<void> check_disks(const Domain& domain) {
    std::set<DiskTarget> targets;
    for (const auto& disk : domain.disks) {
        const auto& name = disk.target.str();
        if (name.empty()) return refuse(domain, "a disk has no target", "name it vda, vdb, ...");
        if (!targets.insert(disk.target).second)
            return refuse(domain, fmt::format("there is a second disk '{}'", name), "give each disk its own target");
        STASIS_CHECK(check_path(domain, fmt::format("disk '{}'", name), disk.source));
        const bool cdrom = disk.device == DiskDevice::cdrom;
        if (disk.source.empty() && !cdrom)
            return refuse(domain, fmt::format("disk '{}' has no source", name), "only a CD-ROM may be empty: name an image");
        if (cdrom && !disk.read_only) return refuse(domain, fmt::format("CD-ROM '{}' is not read-only", name), "make it read-only");
    }
    return {};
}

Result<void> check_boot_order(const Domain& domain) {
    std::set<std::uint32_t> orders;
    const auto fresh = [&](std::optional<std::uint32_t> order) { return !order || orders.insert(*order).second; };
    const bool unique = std::ranges::all_of(domain.disks, [&](const Disk& d) { return fresh(d.boot_order); }) &&
                        std::ranges::all_of(domain.interfaces, [&](const Interface& i) { return fresh(i.boot_order); });
    if (!unique) return refuse(domain, "two devices have the same boot order", "number them differently");
    if (!orders.empty() && !domain.os.boot.empty())
        return refuse(domain, "it has both <boot dev=> and <boot order=>", "use one of the two");
    return {};
}

bool is_mac(std::string_view text) {
    if (text.size() != kMacLength) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (i % 3 == 2 ? c != ':' : !hex) return false;
    }
    return true;
}

// An odd second digit means a group address, which no card can have.
bool is_group_address(std::string_view mac) { return std::string_view("13579bdf").find(mac[1]) != std::string_view::npos; }

Result<void> check_interfaces(const Domain& domain) {
    for (const auto& interface : domain.interfaces) {
        if (interface.model.empty()) return refuse(domain, "a network interface has no model", "write virtio");
        if (interface.type == InterfaceType::bridge && interface.source.empty()) return refuse(domain, "a network interface names no bridge");
        if (interface.mac.empty()) continue;
        if (!is_mac(interface.mac))
            return refuse(domain, fmt::format("'{}' is no MAC address in lower case", interface.mac), "write it as 52:54:00:12:34:56");
        if (is_group_address(interface.mac)) return refuse(domain, fmt::format("'{}' is a multicast address", interface.mac));
    }
    return {};
}

Result<void> check_ports(const Domain& domain) {
    for (const auto& console : domain.consoles)
        if (console.target_type != "virtio")
            return refuse(domain, "a console is not a virtio console", "a console on a serial port is that serial port");
    for (const auto& channel : domain.channels)
        if (channel.target_name.empty()) return refuse(domain, "a channel has no name", "write org.qemu.guest_agent.0");
    return {};
}

}  // namespace

const Disk* find_disk(const Domain& domain, const DiskTarget& target) {
    const auto found = std::ranges::find(domain.disks, target, &Disk::target);
    return found == domain.disks.end() ? nullptr : &*found;
}

Result<void> validate(const Domain& domain) {
    STASIS_CHECK(check_size(domain));
    STASIS_CHECK(check_paths(domain));
    STASIS_CHECK(check_disks(domain));
    STASIS_CHECK(check_boot_order(domain));
    STASIS_CHECK(check_interfaces(domain));
    STASIS_CHECK(check_ports(domain));
    return check_survives_writing(domain);
}

std::string_view to_string(ImageFormat format) { return kImageFormats.of(format); }
std::optional<ImageFormat> image_format_from(std::string_view text) { return kImageFormats.from(text); }
std::string_view to_string(DiskBus bus) { return kDiskBuses.of(bus); }
std::optional<DiskBus> disk_bus_from(std::string_view text) { return kDiskBuses.from(text); }

}  // namespace stasis::model
