// What is to be captured of a running guest in one instant, as plain values that planners make and hypervisors
// carry out. Any thread.
#pragma once

#include <string>
#include <string_view>

#include <stasis/snapshot.h>

#include "model/guest.h"

namespace stasis::model {

/// An overlay that exists, is empty and synced, to be opened beside the guest's disks before the instant.
struct Overlay {
    DiskTarget target;
    ChainImage image;
    ImageId backing;  ///< the active layer it will stand on
    bool operator==(const Overlay&) const = default;
};

/// What happens to one disk in the instant.
struct DiskCapture {
    DiskTarget target;
    DiskMode mode = DiskMode::external;
    ImageId active;       ///< the layer that is active before
    ImageId overlay;      ///< external: becomes active
    std::string internal_name;   ///< internal
    bool operator==(const DiskCapture&) const = default;
};

/// What a memory image is called behind its path until it is sealed; a tool that died may have left one.
inline constexpr std::string_view kMemoryPartSuffix = ".part";

struct MemoryCapture {
    std::string path;            ///< written under a temporary name beside it until finish()
    MemoryMethod method = MemoryMethod::background;  ///< as planned from MemoryAbility
    MemoryCompression compression = MemoryCompression::lz4;
    bool operator==(const MemoryCapture&) const = default;
};

/// Which way guest memory can be captured here, asked of the hypervisor, not guessed.
struct MemoryAbility {
    bool background = false;
    bool migratable = true;
    std::string why_not;         ///< the hypervisor's words when background or migratable is false
};

}  // namespace stasis::model
