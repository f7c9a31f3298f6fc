// A host with guests, images and files that exist only as values: what fake:/// works on. Plain data; the rules are in
// rules.h, the way to a file in store.h. Copyable, so that a failed change is taken back by forgetting the copy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/capture.h"
#include "model/guest.h"

namespace stasis::fake {

inline constexpr std::uint64_t kClusterBytes = 65'536;
inline constexpr std::uint64_t kPageBytes = 4'096;
inline constexpr std::uint64_t kDefaultImageBytes = 1ull << 30;
inline constexpr std::int64_t kPauseUs = 1'000;           ///< every capture of a running guest stops it this long
inline constexpr std::string_view kVersion = "1.0.0";

/// Cluster number to what was last written there. Absent: the backing image's, or 0.
using Clusters = std::map<std::uint64_t, std::uint64_t>;

struct InternalSnapshot {
    std::string name;
    Clusters clusters;
    bool operator==(const InternalSnapshot&) const = default;
};

struct Image {
    model::ImageFormat format = model::ImageFormat::qcow2;
    std::uint64_t virtual_bytes = kDefaultImageBytes;
    std::string backing_path;                 ///< empty: none
    model::ImageFormat backing_format = model::ImageFormat::qcow2;
    Clusters clusters;
    std::vector<InternalSnapshot> snapshots;
    bool writable = true;
    bool was_active = false;                  ///< a guest has had it as its active layer: its view matters
    std::string damaged;                      ///< why its view is no longer what it was; empty: sound
    std::uint64_t inode = 0;
    std::int64_t changed = 0;                 ///< world's sequence at the last write
    bool operator==(const Image&) const = default;
};

struct Memory {
    std::uint64_t counter = 0;
    std::uint64_t nonce = 0;                  ///< given at a fresh start; only here
    std::map<std::uint64_t, std::uint64_t> pages;
    bool operator==(const Memory&) const = default;
};

struct GuestDisk {
    DiskTarget target;
    std::vector<model::ChainImage> chain;     ///< active layer first; empty: no medium
    bool read_only = false;
    bool shareable = false;
    bool operator==(const GuestDisk&) const = default;
};

/// Memory on its way out of a guest.
struct Streaming {
    std::uint64_t token = 0;                  ///< which capture this is
    std::string path;
    bool operator==(const Streaming&) const = default;
};

/// A merge that goes on. It stays when the tool that began it dies.
struct Merging {
    DiskTarget target;
    model::ImageId top, base;
    bool operator==(const Merging&) const = default;
};

struct Guest {
    DomainState state = DomainState::paused;  ///< running or paused
    bool parked = false;
    bool awaiting_memory = false;
    bool deaf = false;                        ///< ignores requests to power off
    bool shutdown_asked = false;              ///< while paused
    std::int64_t pid = 0;
    std::uint64_t start_ticks = 0;
    std::string machine;
    std::vector<GuestDisk> disks;
    std::vector<model::Overlay> opened;       ///< prepared overlays, not yet active
    Memory memory;
    std::optional<Streaming> streaming;
    std::vector<Merging> merging;
    bool can_background = true;
    bool can_migrate = true;
    bool operator==(const Guest&) const = default;
};

struct World {
    std::map<model::GuestRef, Guest> guests;
    std::map<std::string, Image> images;
    std::map<std::string, std::string> files;
    std::set<std::string> folders;            ///< made here: what is in them is known exactly
    std::set<std::string> gone;               ///< removed: these do not exist
    std::uint64_t free_bytes = 1ull << 40;
    std::uint64_t sequence = 0;               ///< grows with every write, launch and capture
    std::vector<std::string> violations;      ///< writes that changed what another image shows
    bool operator==(const World&) const = default;
};

/// The whole world as JSON text, and back; corrupt when it is not one. Hostile input: size is the caller's to limit.
[[nodiscard]] std::string world_to_text(const World& world);
Result<World> world_from_text(const std::string& text, const std::string& source);

/// The content of a memory image file.
struct SavedMemory {
    Memory memory;
    std::string machine;
    bool operator==(const SavedMemory&) const = default;
};
[[nodiscard]] std::string memory_to_text(const SavedMemory& saved);
Result<SavedMemory> memory_from_text(const std::string& text, const std::string& source);

}  // namespace stasis::fake
