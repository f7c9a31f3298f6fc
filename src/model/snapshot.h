// What a snapshot IS, and the tree that the snapshots of one domain form. Plain values, pure questions; any thread.
// Invariants: names are unique; a parent exists or is none; no loops.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <stasis/snapshot.h>

#include "base/result.h"
#include "model/image_graph.h"

namespace stasis::model {

/// What one snapshot holds of one disk.
struct DiskState {
    DiskTarget target;
    DiskMode mode = DiskMode::no;
    ImageId image;              ///< external: the frozen image; internal: the image that holds it
    std::string internal_name;  ///< for internal
    bool operator==(const DiskState&) const = default;
};

/// What one snapshot holds of memory.
struct MemoryState {
    MemoryMethod method = MemoryMethod::none;
    std::string path;
    std::uint64_t file_bytes = 0;
    std::uint64_t guest_bytes = 0;
    bool operator==(const MemoryState&) const = default;
};

struct Snapshot {
    SnapshotName name;
    std::optional<SnapshotName> parent;
    UnixMicros created;
    SnapshotState state = SnapshotState::shut_off;
    std::string description;
    std::string folder;            ///< made for this snapshot's data; removed with it
    std::vector<DiskState> disks;
    MemoryState memory;
    std::string definition_xml;    ///< the domain as it was
    std::string machine;           ///< versioned machine type the guest ran on
    std::string hypervisor_version;  ///< "7.2.22"; empty when the domain was shut off
    std::string nvram_copy;        ///< path of the saved variable store; empty: none
    std::optional<std::int64_t> pause_us;
    bool operator==(const Snapshot&) const = default;
};

class SnapshotTree {
public:
    SnapshotTree() = default;
    SnapshotTree(std::vector<Snapshot> snapshots, std::optional<SnapshotName> current);

    [[nodiscard]] const Snapshot* find(const SnapshotName& name) const;
    [[nodiscard]] const std::vector<Snapshot>& snapshots() const { return snapshots_; }  ///< by name
    [[nodiscard]] const std::optional<SnapshotName>& current() const { return current_; }
    [[nodiscard]] std::vector<SnapshotName> children(const SnapshotName& name) const;    ///< by name
    [[nodiscard]] std::vector<SnapshotName> roots() const;                               ///< by name
    [[nodiscard]] std::vector<SnapshotName> descendants(const SnapshotName& name) const; ///< parents first, without it
    [[nodiscard]] std::vector<SnapshotName> topological() const;                         ///< parents before children
    [[nodiscard]] bool is_leaf(const SnapshotName& name) const;
    [[nodiscard]] Result<void> check() const;  ///< corrupt, naming the broken invariant

private:
    std::vector<Snapshot> snapshots_;  // sorted by name
    std::map<SnapshotName, std::vector<SnapshotName>> children_;
    std::optional<SnapshotName> current_;
};

/// YYYYMMDDhhmmss in local time, and "-2", "-3", … behind it while `taken` has the name.
[[nodiscard]] SnapshotName name_from_time(UnixMicros now, const SnapshotTree& taken);

}  // namespace stasis::model
