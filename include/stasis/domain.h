// What the public API says about a domain: its state and a summary of its parts. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stasis/types.h>

namespace stasis {

/// libvirt's states, as far as a guest without a daemon can be in them.
enum class DomainState { shut_off, running, paused, crashed };
/// "shut off", "running", "paused", "crashed": the words virsh prints.
[[nodiscard]] std::string_view to_string(DomainState state);

/// One line of `list`.
struct DomainSummary {
    DomainName name;
    Uuid uuid;
    DomainState state = DomainState::shut_off;
    std::optional<std::int64_t> process_id;  ///< of the running guest
};

/// One disk as it is now.
struct DiskSummary {
    DiskTarget target;
    std::string device;         ///< "disk" or "cdrom"
    std::string bus;            ///< "virtio", "scsi", "sata", "ide"
    std::string format;         ///< of the active layer: "qcow2" or "raw"
    std::string source;         ///< path of the active layer; empty: no medium
    bool read_only = false;
    std::uint32_t depth = 1;    ///< number of images in the chain
};

/// `dominfo`.
struct DomainInfo {
    DomainSummary summary;
    std::string title;
    std::string description;
    std::string os_type;        ///< "hvm"
    std::string machine;        ///< pinned machine type
    std::uint32_t vcpus = 0;
    Bytes memory;
    std::string accelerator;    ///< "kvm", "tcg", "fake"; empty when shut off
    std::uint32_t snapshots = 0;
    std::optional<SnapshotName> current_snapshot;
    std::vector<DiskSummary> disks;
    std::uint32_t left_behind_layers = 0;  ///< active layers kept from earlier reverts
};

}  // namespace stasis
