// The words that libvirt's domain XML uses for the model's closed sets, for reading and writing. Constants; any thread.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "model/domain.h"

namespace stasis::model {

/// Values and their words, both ways.
template <class E, std::size_t N>
struct Words {
    std::array<std::pair<E, std::string_view>, N> pairs;

    [[nodiscard]] constexpr std::optional<E> from(std::string_view text) const {
        for (const auto& [value, word] : pairs)
            if (word == text) return value;
        return std::nullopt;
    }
    [[nodiscard]] constexpr std::string_view of(E value) const {
        for (const auto& [candidate, word] : pairs)
            if (candidate == value) return word;
        return {};
    }
};

inline constexpr Words<DiskSourceType, 2> kDiskSourceTypes{{{{DiskSourceType::file, "file"}, {DiskSourceType::block, "block"}}}};
inline constexpr Words<DiskDevice, 2> kDiskDevices{{{{DiskDevice::disk, "disk"}, {DiskDevice::cdrom, "cdrom"}}}};
inline constexpr Words<DiskBus, 4> kDiskBuses{
    {{{DiskBus::virtio, "virtio"}, {DiskBus::scsi, "scsi"}, {DiskBus::sata, "sata"}, {DiskBus::ide, "ide"}}}};
inline constexpr Words<ImageFormat, 2> kImageFormats{{{{ImageFormat::raw, "raw"}, {ImageFormat::qcow2, "qcow2"}}}};
/// A tap device is type "ethernet" with <target dev=>.
inline constexpr Words<InterfaceType, 3> kInterfaceTypes{
    {{{InterfaceType::user, "user"}, {InterfaceType::bridge, "bridge"}, {InterfaceType::tap, "ethernet"}}}};
inline constexpr Words<CharBackend, 4> kCharBackends{{{{CharBackend::null, "null"},
                                                       {CharBackend::pty, "pty"},
                                                       {CharBackend::file, "file"},
                                                       {CharBackend::unix_socket, "unix"}}}};
inline constexpr Words<CpuMode, 4> kCpuModes{{{{CpuMode::host_passthrough, "host-passthrough"},
                                               {CpuMode::host_model, "host-model"},
                                               {CpuMode::maximum, "maximum"},
                                               {CpuMode::custom, "custom"}}}};

inline constexpr std::string_view kQemuNamespace = "http://libvirt.org/schemas/domain/qemu/1.0";

// Sets of plain words. The empty word of the model ("as the hypervisor does it") is written by leaving it out.
inline constexpr std::array<std::string_view, 5> kCacheModes{"none", "writeback", "writethrough", "directsync", "unsafe"};
inline constexpr std::array<std::string_view, 2> kDiscardModes{"unmap", "ignore"};
inline constexpr std::array<std::string_view, 3> kIoModes{"threads", "native", "io_uring"};
inline constexpr std::array<std::string_view, 3> kDetectZeroes{"off", "on", "unmap"};
inline constexpr std::array<std::string_view, 4> kDiskSnapshots{"no", "internal", "external", "manual"};
inline constexpr std::array<std::string_view, 4> kBootDevices{"fd", "hd", "cdrom", "network"};
inline constexpr std::array<std::string_view, 2> kLoaderTypes{"pflash", "rom"};
inline constexpr std::array<std::string_view, 8> kFeatures{"acpi", "apic", "pae", "hap", "pmu", "vmport", "smm", "vmcoreinfo"};
inline constexpr std::array<std::string_view, 2> kStates{"on", "off"};
inline constexpr std::array<std::string_view, 5> kCpuPolicies{"force", "require", "optional", "disable", "forbid"};
inline constexpr std::array<std::string_view, 2> kClockOffsets{"utc", "localtime"};
inline constexpr std::array<std::string_view, 4> kPowerActions{"destroy", "restart", "preserve", "rename-restart"};
inline constexpr std::array<std::string_view, 6> kCrashActions{"destroy",        "restart",          "preserve",
                                                               "rename-restart", "coredump-destroy", "coredump-restart"};
inline constexpr std::array<std::string_view, 3> kInputTypes{"tablet", "mouse", "keyboard"};
inline constexpr std::array<std::string_view, 3> kInputBuses{"usb", "ps2", "virtio"};
inline constexpr std::array<std::string_view, 6> kVideoModels{"none", "vga", "cirrus", "virtio", "qxl", "bochs"};
inline constexpr std::array<std::string_view, 6> kControllerTypes{"pci", "usb", "scsi", "virtio-serial", "sata", "ide"};
inline constexpr std::array<std::string_view, 2> kTpmModels{"tpm-crb", "tpm-tis"};
inline constexpr std::array<std::string_view, 2> kTpmVersions{"1.2", "2.0"};
inline constexpr std::array<std::string_view, 2> kBalloonModels{"none", "virtio"};
inline constexpr std::array<std::string_view, 3> kCpuKeptAttributes{"match", "check", "migratable"};

template <std::size_t N>
[[nodiscard]] constexpr bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
    for (const auto candidate : words)
        if (candidate == word) return true;
    return false;
}

}  // namespace stasis::model
