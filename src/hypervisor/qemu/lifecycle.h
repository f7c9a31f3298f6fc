// port::Lifecycle on QEMU: starting, stopping and replacing guest processes. Nothing is remembered between calls:
// the run folder and QEMU itself tell all. Owned by the driver; one thread, status() aside.
#pragma once

#include <string>

#include "hypervisor/qemu/emulator.h"
#include "hypervisor/qemu/monitors.h"
#include "port/lifecycle.h"
#include "seam/channel.h"
#include "seam/clock.h"
#include "seam/file_system.h"
#include "seam/process.h"

namespace stasis::hypervisor::qemu {

struct LifecycleParts {
    std::string root;
    Monitors& monitors;
    Emulators& emulators;
    seam::FileSystem& files;
    seam::ProcessRunner& processes;
    seam::ChannelFactory& channels;
    seam::Clock& clock;
};

class QemuLifecycle final : public port::Lifecycle {
public:
    explicit QemuLifecycle(LifecycleParts parts) : parts_(std::move(parts)) {}

    Result<model::GuestProcess> launch(const port::LaunchRequest& request) override;  // launch.cc
    Result<model::GuestStatus> status(const model::GuestRef& guest) override;
    Result<void> pause(const model::GuestRef& guest) override;
    Result<UnixMicros> resume(const model::GuestRef& guest) override;
    Result<void> park(const model::GuestRef& guest) override;
    Result<port::RestoreReport> load_memory(const model::GuestRef& guest, const std::string& path, ProgressSink* progress,
                                            const CancelToken* cancel) override;
    Result<void> request_shutdown(const model::GuestRef& guest) override;
    Result<void> kill(const model::GuestRef& guest) override;                          // kill.cc
    Result<std::string> resolve_machine(const std::string& emulator, const std::string& arch,
                                        const std::string& machine) override;

private:
    LifecycleParts parts_;
};

/// QEMU's run state in the words of the public API.
[[nodiscard]] DomainState domain_state(std::string_view run_state);

}  // namespace stasis::hypervisor::qemu
