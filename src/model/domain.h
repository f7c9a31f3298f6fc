// What a domain IS: the definition that describes a guest to a hypervisor, whatever notation it came in.
// A plain value; any thread. The field names are those of libvirt's domain XML
// (https://libvirt.org/formatdomain.html), which is also the rule for what each means.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <stasis/types.h>

#include "base/result.h"

namespace stasis::model {

enum class ImageFormat { raw, qcow2 };
enum class DiskSourceType { file, block };
enum class DiskDevice { disk, cdrom };
enum class DiskBus { virtio, scsi, sata, ide };

/// A PCI or drive address as libvirt writes it: type and the attributes in their order, honoured where QEMU can.
struct Address {
    std::string type;  ///< "pci", "drive", "virtio-serial", "usb", ...
    std::vector<std::pair<std::string, std::string>> attributes;
    bool operator==(const Address&) const = default;
};

struct Disk {
    DiskTarget target;
    DiskDevice device = DiskDevice::disk;
    DiskBus bus = DiskBus::virtio;
    DiskSourceType source_type = DiskSourceType::file;
    std::string source;       ///< path; empty: no medium (CD-ROM only)
    ImageFormat format = ImageFormat::raw;
    bool read_only = false;
    bool shareable = false;
    std::string serial;
    std::string cache;        ///< "", "none", "writeback", "writethrough", "directsync", "unsafe"
    std::string discard;      ///< "", "unmap", "ignore"
    std::string io;           ///< "", "threads", "native", "io_uring"
    std::string detect_zeroes;///< "", "off", "on", "unmap"
    std::optional<std::uint32_t> boot_order;
    std::string snapshot;     ///< libvirt's default for this disk: "", "no", "internal", "external", "manual"
    std::optional<Address> address;
    std::string alias;
    bool operator==(const Disk&) const = default;
};

enum class InterfaceType { user, bridge, tap };
struct Interface {
    InterfaceType type = InterfaceType::user;
    std::string source;       ///< bridge name, for bridge
    std::string target;       ///< tap device name; empty: chosen by QEMU
    std::string mac;          ///< "52:54:00:..."; empty: derived from uuid and position when defined
    std::string model = "virtio";
    std::string script;       ///< tap: script, "no" for none
    std::optional<std::uint32_t> boot_order;
    std::optional<Address> address;
    std::string alias;
    bool operator==(const Interface&) const = default;
};

enum class CharBackend { null, pty, file, unix_socket };
/// A serial port, console or channel.
struct CharDevice {
    CharBackend backend = CharBackend::pty;
    std::string path;         ///< for file and unix_socket; empty channel path: chosen in the run folder
    bool listen = true;       ///< unix_socket: mode="bind"
    bool append = false;      ///< file
    std::string target_type;  ///< "isa-serial", "virtio", "serial"; channel: "virtio"
    std::string target_name;  ///< channel: "org.qemu.guest_agent.0"
    std::optional<std::uint32_t> port;
    std::optional<Address> address;
    std::string alias;
    bool operator==(const CharDevice&) const = default;
};

struct Vnc {
    std::string socket;       ///< path; empty: chosen in the run folder
    bool operator==(const Vnc&) const = default;
};

struct Rng {
    std::string backend = "/dev/urandom";  ///< path of the random source
    std::optional<Address> address;
    std::string alias;
    bool operator==(const Rng&) const = default;
};

struct Tpm {
    std::string model = "tpm-crb";  ///< "tpm-crb" or "tpm-tis"
    std::string version = "2.0";
    bool operator==(const Tpm&) const = default;
};

struct Controller {
    std::string type;         ///< "pci", "usb", "scsi", "virtio-serial", "sata", "ide"
    std::string model;
    std::uint32_t index = 0;
    std::optional<Address> address;
    std::string alias;
    std::string inner_xml;    ///< what else it held (<target .../>), kept as it was
    bool operator==(const Controller&) const = default;
};

struct Input {
    std::string type;         ///< "tablet", "mouse", "keyboard"
    std::string bus;          ///< "usb", "ps2", "virtio"
    std::optional<Address> address;
    std::string alias;
    bool operator==(const Input&) const = default;
};

struct Video {
    std::string model;        ///< "none", "vga", "cirrus", "virtio", "qxl", "bochs"
    std::optional<std::uint32_t> vram_kib;
    std::optional<Address> address;
    std::string alias;
    bool operator==(const Video&) const = default;
};

enum class CpuMode { hypervisor_default, host_passthrough, host_model, maximum, custom };
struct Cpu {
    CpuMode mode = CpuMode::hypervisor_default;
    std::string model;                                               ///< custom
    std::vector<std::pair<std::string, std::string>> features;      ///< name, policy ("require", "disable", ...)
    std::optional<std::array<std::uint32_t, 3>> topology;            ///< sockets, cores, threads
    std::string kept_attributes;                                     ///< match=, check=, migratable= as written
    bool operator==(const Cpu&) const = default;
};

struct Os {
    std::string arch = "x86_64";
    std::string machine;          ///< empty until defined; then pinned to a versioned type
    std::string loader;           ///< firmware image
    bool loader_read_only = true;
    bool loader_secure = false;
    std::string loader_type = "pflash";  ///< "pflash" or "rom"
    std::string nvram;            ///< variable store
    std::string nvram_template;
    std::string kernel, initrd, cmdline;
    std::vector<std::string> boot;  ///< "hd", "cdrom", "network", "fd"
    bool operator==(const Os&) const = default;
};

struct Timer {
    std::string name;
    std::vector<std::pair<std::string, std::string>> attributes;
    bool operator==(const Timer&) const = default;
};

struct Clock {
    std::string offset = "utc";   ///< "utc" or "localtime"
    std::vector<Timer> timers;
    bool operator==(const Clock&) const = default;
};

/// An element or attribute that is read and written back unchanged because it does not change what the guest sees.
struct KeptElement {
    std::string parent;   ///< path of the parent: "/domain", "/domain/devices/disk[2]" (the second disk)
    std::string xml;      ///< the element, serialised on one line; or "@name=value" for an attribute
    bool operator==(const KeptElement&) const = default;
};

struct Domain {
    DomainName name;
    Uuid uuid;
    std::string title;
    std::string description;
    std::uint64_t memory_bytes = 0;
    std::uint32_t vcpus = 1;
    Cpu cpu;
    Os os;
    std::vector<std::pair<std::string, std::string>> features;  ///< element name, state ("", "on", "off")
    Clock clock;
    std::optional<bool> suspend_to_mem, suspend_to_disk;  ///< <pm>: ACPI S3 and S4; none: as the machine does it
    std::string emulator;          ///< empty: the distribution's
    std::string on_poweroff, on_reboot, on_crash;
    std::vector<Disk> disks;
    std::vector<Interface> interfaces;
    std::vector<CharDevice> serials;
    std::vector<CharDevice> consoles;
    std::vector<CharDevice> channels;
    std::optional<Vnc> vnc;
    std::vector<Video> videos;
    std::vector<Input> inputs;
    std::vector<Rng> rngs;
    std::string balloon_model;     ///< "", "none", "virtio"
    std::optional<Address> balloon_address;
    std::optional<Tpm> tpm;
    std::vector<Controller> controllers;
    std::vector<std::string> qemu_args;                           ///< <qemu:arg>
    std::vector<std::pair<std::string, std::string>> qemu_env;    ///< <qemu:env>
    std::vector<KeptElement> kept;
    bool operator==(const Domain&) const = default;
};

inline constexpr std::uint64_t kDomainMemoryBytesMax = 16ull << 40;
inline constexpr std::uint32_t kDomainVcpusMax = 4096;
inline constexpr std::size_t kDomainDisksMax = 256;

/// The disk called `target`, or nullptr.
[[nodiscard]] const Disk* find_disk(const Domain& domain, const DiskTarget& target);

/// The invariants that no notation can break: unique targets, at least 1 MiB of memory, 1 vCPU, absolute paths,
/// a source for every disk that is not a CD-ROM, limits. ErrorKind::invalid names the first that fails.
Result<void> validate(const Domain& domain);

[[nodiscard]] std::string_view to_string(ImageFormat format);
[[nodiscard]] std::optional<ImageFormat> image_format_from(std::string_view text);
[[nodiscard]] std::string_view to_string(DiskBus bus);
[[nodiscard]] std::optional<DiskBus> disk_bus_from(std::string_view text);

}  // namespace stasis::model
