// The monitor sockets of guests, opened when needed. QEMU serves one client per socket, so within this process all
// parts share one session for commands; queries use the other socket and let go of it at once. Owned by the driver;
// one thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "hypervisor/qemu/qmp_session.h"
#include "hypervisor/qemu/run_folder.h"
#include "seam/channel.h"
#include "seam/clock.h"
#include "seam/file_system.h"

namespace stasis::hypervisor::qemu {

class Monitors {
public:
    Monitors(std::string root, seam::FileSystem& files, seam::ChannelFactory& channels, const seam::Clock& clock)
        : root_(std::move(root)), files_(files), channels_(channels), clock_(clock) {}

    /// For commands. Kept open as long as somebody holds it. not_found: there is no such guest.
    Result<std::shared_ptr<QmpSession>> commands(const model::GuestRef& guest, Millis greeting_wait = Millis(5'000));
    /// For reading, never behind a command in progress; every wait at most `limit`. Let it go soon.
    Result<std::unique_ptr<QmpSession>> queries(const model::GuestRef& guest, Millis limit);

private:
    Result<std::unique_ptr<QmpSession>> open(const std::string& path, const RunFolder& folder, SessionOptions options,
                                             const model::GuestRef& guest);

    std::string root_;
    seam::FileSystem& files_;
    seam::ChannelFactory& channels_;
    const seam::Clock& clock_;
    std::map<model::GuestRef, std::weak_ptr<QmpSession>> open_;
};

}  // namespace stasis::hypervisor::qemu
