// What names and describes one run of a guest: its process generation and what the hypervisor says of it.
// Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <stasis/domain.h>

#include "model/domain.h"
#include "model/image_graph.h"

namespace stasis::model {

/// One process of a domain. A revert starts generation n+1 beside n; each has its own run folder and sockets.
struct GuestRef {
    Uuid domain;
    std::uint32_t generation = 0;
    auto operator<=>(const GuestRef&) const = default;
};

/// What is recorded of a started guest. start_ticks guards against a reused process id.
struct GuestProcess {
    std::uint32_t generation = 0;
    std::int64_t pid = 0;
    std::uint64_t start_ticks = 0;  ///< field 22 of /proc/PID/stat
    bool operator==(const GuestProcess&) const = default;
};

/// What the hypervisor says now.
struct GuestStatus {
    DomainState state = DomainState::shut_off;
    std::optional<std::int64_t> pid;
    std::string accelerator;
    std::string hypervisor_version;
    std::string machine;           ///< versioned type
};

/// One image of a chain as the hypervisor is to open it. Node names follow from target and id (node_name()).
struct ChainImage {
    ImageId id;
    std::string path;
    ImageFormat format = ImageFormat::qcow2;
    bool operator==(const ChainImage&) const = default;
};

/// A disk with its whole chain, active layer first; empty chain: no medium.
struct AttachedDisk {
    DiskTarget target;
    std::vector<ChainImage> chain;
    bool operator==(const AttachedDisk&) const = default;
};

/// Stable name of an image's format node: "vda-12". At most 31 characters, QEMU's limit.
[[nodiscard]] std::string node_name(const DiskTarget& target, ImageId id);

}  // namespace stasis::model
