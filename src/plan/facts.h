// Everything a planner may know, read once before planning (by host/facts). Plain values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/capture.h"
#include "model/domain.h"
#include "model/guest.h"
#include "model/image_facts.h"
#include "model/snapshot.h"

namespace stasis::plan {

using ImageFactsByPath = std::map<std::string, model::ImageFacts>;

/// What Stasis keeps of a domain, and what is true of it now.
struct DomainFacts {
    model::Domain definition;
    std::string definition_xml;
    std::string launched_xml;                ///< what the running guest was started with; empty: definition_xml
    DomainState state = DomainState::shut_off;
    std::optional<model::GuestRef> guest;    ///< the recorded process, when it is alive
    std::uint32_t next_generation = 1;
    std::string machine;                     ///< of the running guest, else as defined
    std::string hypervisor_version;          ///< of the running guest, else of the emulator
    model::SnapshotTree snapshots;
    model::ImageGraph images;
    model::ActiveLayers active;
    std::vector<model::ImageId> left_behind;
    std::string nvram;                       ///< path of the variable store; empty: none
    bool nvram_exists = false;
    /// By path, for every image that the operation may touch; absent: the file could not be read, see unreadable.
    ImageFactsByPath image_facts;
    std::map<std::string, Error> unreadable; ///< also memory images and other files that the operation needs
    model::MemoryAbility memory_ability;      ///< of the running guest
    std::uint64_t free_bytes = 0;            ///< in the folder that the operation writes to
};

/// The host's settings that planners obey.
struct Settings {
    std::string snapshots_root;              ///< absolute
    std::int64_t internal_pause_limit_us = 100'000;
    /// Time an internal snapshot of one disk holds the guest: fixed part, and part per GiB allocated in the image.
    /// Measured, see docs/adr.
    std::int64_t internal_pause_base_us = 5'000;
    std::int64_t internal_pause_us_per_gib = 2'000;
    MemoryCompression compression = MemoryCompression::lz4;
    UnixMicros now;
};

}  // namespace stasis::plan
