// What the engine needs from a hypervisor to start, stop and replace guests. One body per hypervisor; every body
// passes tests/conformance. Calls come from one thread at a time; status() may come from any process at any time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <stasis/progress.h>

#include "base/result.h"
#include "model/domain.h"
#include "model/guest.h"

namespace stasis::port {

struct LaunchRequest {
    model::GuestRef guest;
    model::Domain definition;
    std::vector<model::AttachedDisk> disks;
    std::string nvram;            ///< variable store to use; empty: as defined, or none
    bool await_memory = false;    ///< start empty; load_memory() follows
    bool replaces_running = false;  ///< another generation still stands (parked): keep its host resources restorable
};

struct RestoreReport {
    std::uint64_t guest_bytes = 0;
};

class Lifecycle {
public:
    virtual ~Lifecycle() = default;
    /// Starts the process with vCPUs stopped. Errors quote the hypervisor's own log. Nothing stays behind on error.
    virtual Result<model::GuestProcess> launch(const LaunchRequest& request) = 0;
    /// shut_off when there is no such process. Never waits for a command in progress on that guest.
    virtual Result<model::GuestStatus> status(const model::GuestRef& guest) = 0;
    /// Stops the vCPUs. Already stopped: fine. Parked: takes the images back and stays stopped; an error when it can't.
    virtual Result<void> pause(const model::GuestRef& guest) = 0;
    /// Runs the vCPUs; takes images back first if parked. Returns the time of the RESUME event, UTC. Already running: now.
    virtual Result<UnixMicros> resume(const model::GuestRef& guest) = 0;
    /// Stops the vCPUs and gives up all image locks and caches, so that another process may use the images.
    virtual Result<void> park(const model::GuestRef& guest) = 0;
    /// Loads memory and device state from a memory image into a guest launched with await_memory. vCPUs stay stopped.
    virtual Result<RestoreReport> load_memory(const model::GuestRef& guest, const std::string& path,
                                              ProgressSink* progress, const CancelToken* cancel) = 0;
    /// Asks the guest to power off; returns at once.
    virtual Result<void> request_shutdown(const model::GuestRef& guest) = 0;
    /// Ends the process and removes its run folder. Already gone: fine. Never flushes a parked guest's images.
    virtual Result<void> kill(const model::GuestRef& guest) = 0;
    /// The versioned machine type that `machine` (empty: the default) stands for with this emulator and arch.
    virtual Result<std::string> resolve_machine(const std::string& emulator, const std::string& arch,
                                                const std::string& machine) = 0;
};

}  // namespace stasis::port
