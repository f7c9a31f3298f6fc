// The QEMU driver: bodies of Lifecycle, InstantCapture and BlockGraph over the seams that are handed in. Only host/
// makes one. Not owned things must outlive it; one thread.
#pragma once

#include <memory>
#include <string>

#include "hypervisor/qemu/emulator.h"
#include "port/block_graph.h"
#include "port/instant_capture.h"
#include "port/lifecycle.h"
#include "seam/channel.h"
#include "seam/clock.h"
#include "seam/file_system.h"
#include "seam/process.h"

namespace stasis::hypervisor::qemu {

struct DriverParts {
    std::string root;                    ///< state folder, absolute
    seam::FileSystem& files;
    seam::ProcessRunner& processes;
    seam::ChannelFactory& channels;
    seam::Clock& clock;
    AbilityCache cache;                  ///< may be empty: then KVM is tried at every start
};

class QemuDriver {
public:
    static std::unique_ptr<QemuDriver> make(DriverParts parts);
    virtual ~QemuDriver() = default;
    virtual port::Lifecycle& lifecycle() = 0;
    virtual port::InstantCapture& capture() = 0;
    virtual port::BlockGraph& blocks() = 0;
    /// "7.2.22" of an installed emulator (empty name: the distribution's); empty: there is none that works.
    virtual std::string version_of(const std::string& emulator, const std::string& arch) = 0;
};

}  // namespace stasis::hypervisor::qemu
