// What the public API says about snapshots: requests and what is known of a snapshot that was taken.
// Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stasis/domain.h>
#include <stasis/types.h>

namespace stasis {

/// What the domain was doing when the snapshot was taken (libvirt's <state> words).
enum class SnapshotState { shut_off, running, paused, disk_snapshot };
/// "shutoff", "running", "paused", "disk-snapshot".
[[nodiscard]] std::string_view to_string(SnapshotState state);
[[nodiscard]] std::optional<SnapshotState> snapshot_state_from(std::string_view text);

/// What happens to one disk.
enum class DiskMode { no, internal, external };
/// "no", "internal", "external".
[[nodiscard]] std::string_view to_string(DiskMode mode);
[[nodiscard]] std::optional<DiskMode> disk_mode_from(std::string_view text);

/// How guest memory was or is to be captured.
enum class MemoryMethod {
    none,        ///< no memory in this snapshot
    background,  ///< write tracking; the guest stands still for an instant only
    precopy,     ///< copied while running, stopped for the rest
    stopped,     ///< the guest stands still for the whole save
};
/// "none", "background", "precopy", "stopped".
[[nodiscard]] std::string_view to_string(MemoryMethod method);
[[nodiscard]] std::optional<MemoryMethod> memory_method_from(std::string_view text);

/// Chunk compression of a memory image.
enum class MemoryCompression { none, lz4, zstd };
/// "none", "lz4", "zstd".
[[nodiscard]] std::string_view to_string(MemoryCompression compression);
[[nodiscard]] std::optional<MemoryCompression> memory_compression_from(std::string_view text);

/// One disk of a snapshot.
struct SnapshotDisk {
    DiskTarget target;
    DiskMode mode = DiskMode::no;
    std::string image;          ///< the image that holds this snapshot's data; empty for DiskMode::no
    std::string format;         ///< of that image
    std::string internal_name;  ///< name inside the image, for DiskMode::internal
    bool operator==(const SnapshotDisk&) const = default;
};

/// A snapshot that exists.
struct SnapshotInfo {
    SnapshotName name;
    DomainName domain;
    Uuid domain_uuid;
    std::optional<SnapshotName> parent;
    std::vector<SnapshotName> children;
    std::uint32_t descendants = 0;
    bool current = false;
    SnapshotState state = SnapshotState::shut_off;
    UnixMicros created;
    std::string description;
    MemoryMethod memory_method = MemoryMethod::none;
    std::string memory_file;         ///< empty without memory
    Bytes memory_bytes;              ///< size of that file
    std::vector<SnapshotDisk> disks;
    std::string machine;             ///< machine type it was taken on
    std::string hypervisor_version;  ///< "7.2.22"
    std::optional<std::int64_t> pause_us;  ///< STOP to RESUME events; none when the guest did not stop
};

/// A request for one disk, where it differs from the default.
struct DiskRequest {
    DiskTarget target;
    std::optional<DiskMode> mode;
    std::string path;    ///< of the overlay; empty: default place
    std::string format;  ///< of the overlay; empty or "qcow2"
};

/// `snapshot-create`. An empty request means: everything, named by the time, nothing stands still.
struct SnapshotCreateOptions {
    std::optional<SnapshotName> name;
    std::string description;
    std::string path;                     ///< folder for all data of this snapshot; its last part becomes the name
    std::string memory_path;              ///< memory image; empty: default place
    bool disk_only = false;               ///< no memory
    bool live = false;                    ///< refuse whatever would stop the guest for longer than an instant
    std::optional<DiskMode> all_disks;    ///< --internal / --external
    std::vector<DiskRequest> disks;       ///< per disk; wins over all_disks
    std::optional<MemoryCompression> compression;  ///< none: as configured (default lz4)
    std::optional<std::int64_t> internal_pause_limit_us;  ///< none: as configured (default 100 ms)
};

/// What `snapshot-create` measured.
struct SnapshotCreated {
    SnapshotName name;
    std::optional<std::int64_t> pause_us;  ///< STOP to RESUME events; none when the guest did not stop
    std::int64_t complete_us = 0;          ///< from holding the domain's lock to a complete snapshot
    MemoryMethod memory_method = MemoryMethod::none;
    std::string fallback_reason;           ///< why not background; empty when it was
    Bytes memory_guest_bytes;              ///< guest memory covered
    Bytes memory_file_bytes;               ///< what it takes on disk
    std::vector<SnapshotDisk> disks;
};

/// `snapshot-revert`.
struct SnapshotRevertOptions {
    SnapshotName name;
    std::optional<DomainState> wanted;  ///< running or paused; none: as it was when taken
    bool force = false;                 ///< accept what the error calls risky
};

/// What `snapshot-revert` measured.
struct SnapshotReverted {
    SnapshotName name;
    DomainState state = DomainState::shut_off;
    std::optional<std::int64_t> resume_us;  ///< from holding the domain's lock to the RESUME event
    std::int64_t complete_us = 0;
    std::vector<std::string> left_behind;   ///< active layers kept, by path
};

/// `snapshot-delete`.
struct SnapshotDeleteOptions {
    SnapshotName name;
    bool children = false;       ///< this one and all its descendants
};

/// Which snapshots `snapshot-list` shows and in which order.
struct SnapshotListOptions {
    bool roots = false;
    bool leaves = false;
    bool topological = false;          ///< parents before children; otherwise by name
    bool descendants = false;          ///< all below `from`, not only its children
    std::optional<SnapshotName> from;
};

}  // namespace stasis
