// One driver with everything that it stands on: seams, catalog, ports. The bodies (qemu_world.cc, fake_world.cc) are
// the only places that name concrete drivers. Owned by a Host; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <stasis/host.h>

#include "catalog/catalog.h"
#include "port/ports.h"
#include "seam/clock.h"
#include "seam/file_system.h"

namespace stasis::host {

class World {
public:
    virtual ~World() = default;
    virtual seam::FileSystem& files() = 0;   ///< the host's real files: locks and settings
    virtual seam::Clock& clock() = 0;
    virtual catalog::Catalog& catalog() = 0;
    virtual port::Ports& ports() = 0;
    /// Whether a memory image is whole, without reading its pages. not_found or corrupt otherwise.
    virtual Result<void> check_memory_image(const std::string& path) = 0;
    /// Writes it as a plain QEMU stream; returns the length.
    virtual Result<Bytes> export_memory(const std::string& path, int stream, ProgressSink* progress,
                                        const CancelToken* cancel) = 0;
    /// Version of the hypervisor that `emulator` (empty: the default) is; empty when it cannot be told.
    virtual std::string hypervisor_version(const std::string& emulator, const std::string& arch) = 0;
};

/// Real QEMU, files below `root`.
Result<std::unique_ptr<World>> open_qemu_world(const std::string& root);
/// A whole host in memory, kept in one file below `root`/fake.
Result<std::unique_ptr<World>> open_fake_world(const std::string& root);

}  // namespace stasis::host
