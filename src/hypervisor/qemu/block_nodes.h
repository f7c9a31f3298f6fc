// How images become QEMU block nodes: a file (or host_device) node named "<target>-<id>-f" and a format node named
// "<target>-<id>" on it, always stated, never probed. Used by the command line and for overlays opened later, so that
// both come out alike. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/qmp/json.h"
#include "hypervisor/qemu/run_folder.h"
#include "model/domain.h"
#include "model/guest.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::Json;

/// The part of a disk's definition that each of its nodes follows.
[[nodiscard]] DiskOptions disk_options(const model::Disk& disk);

struct ImageNodes {
    const model::ChainImage& image;
    const DiskTarget& target;
    const DiskOptions& options;
    bool block_device = false;
    bool read_only = false;                       ///< the format node: a lower layer, or a disk that is read-only
    bool never_written = false;                   ///< the file node as well: the whole disk is read-only
    std::optional<std::string> backing;           ///< node name; none: "backing": null for formats that have one
};

/// The arguments of two blockdev-add, file node first.
[[nodiscard]] std::pair<Json, Json> image_nodes(const ImageNodes& request);

/// "disk-vda"; what query-block shows as its qdev, alone or within a path.
[[nodiscard]] std::string device_id(const DiskTarget& target);
[[nodiscard]] std::optional<DiskTarget> target_of_device(std::string_view qdev);

struct NodeIdentity {
    DiskTarget target;
    model::ImageId id;
};
/// "vda-12" to its parts; none for names that Stasis did not give (and for file nodes).
[[nodiscard]] std::optional<NodeIdentity> identity_of_node(std::string_view node_name);
[[nodiscard]] std::string file_node_name(const DiskTarget& target, model::ImageId id);

}  // namespace stasis::hypervisor::qemu
