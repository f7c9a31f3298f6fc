#include "hypervisor/qemu/driver.h"

#include <sys/utsname.h>

#include "hypervisor/qemu/block_graph.h"
#include "hypervisor/qemu/capture.h"
#include "hypervisor/qemu/lifecycle.h"
#include "hypervisor/qemu/monitors.h"
#include "hypervisor/qemu/write_protection.h"

namespace stasis::hypervisor::qemu {
namespace {

std::string kernel_release() {
    utsname name{};
    return ::uname(&name) == 0 ? name.release : "unknown";
}

class Driver final : public QemuDriver {
public:
    explicit Driver(DriverParts parts)
        : monitors_(parts.root, parts.files, parts.channels, parts.clock),
          emulators_(parts.root, parts.files, parts.processes, std::move(parts.cache), kernel_release()),
          protection_(make_write_protection()),
          lifecycle_({parts.root, monitors_, emulators_, parts.files, parts.processes, parts.channels, parts.clock}),
          capture_({parts.root, monitors_, parts.files, parts.processes, parts.clock, *protection_}),
          blocks_({parts.root, monitors_, parts.files, parts.processes, parts.clock}) {}

    port::Lifecycle& lifecycle() override { return lifecycle_; }
    port::InstantCapture& capture() override { return capture_; }
    port::BlockGraph& blocks() override { return blocks_; }
    std::string version_of(const std::string& emulator, const std::string& arch) override {
        const auto version = emulators_.version(emulator, arch);
        return version ? version->str() : std::string();
    }

private:
    Monitors monitors_;
    Emulators emulators_;
    std::unique_ptr<WriteProtection> protection_;
    QemuLifecycle lifecycle_;
    QemuCapture capture_;
    QemuBlockGraph blocks_;
};

}  // namespace

std::unique_ptr<QemuDriver> QemuDriver::make(DriverParts parts) { return std::make_unique<Driver>(std::move(parts)); }

}  // namespace stasis::hypervisor::qemu
