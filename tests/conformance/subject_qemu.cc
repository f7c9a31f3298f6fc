// A real QEMU without an operating system: firmware only, 64 MiB, TCG or KVM. The guest's writes are made by QEMU's own
// qemu-io command on the guest's device, over a monitor of the test's own. What lives in guest memory is not looked at
// here: tests/guest does that with a real Linux.
#include "hypervisor/qemu/driver.h"

#include <map>

#include "seam/posix/posix.h"
#include "subject.h"

namespace stasis::conformance {
namespace {

constexpr std::chrono::milliseconds kReplyWait{20'000};

/// A QMP client of a few lines: one command after the other, events skipped.
class TestMonitor {
public:
    static std::unique_ptr<TestMonitor> connect(seam::ChannelFactory& channels, const std::string& path) {
        auto channel = channels.connect(path);
        if (!channel) return nullptr;
        auto monitor = std::make_unique<TestMonitor>();
        monitor->channel_ = std::move(*channel);
        if (monitor->line_with("\"QMP\"").empty()) return nullptr;
        if (monitor->ask(R"({"execute":"qmp_capabilities"})").empty()) return nullptr;
        return monitor;
    }
    /// The reply's line; empty: an error, or none in time.
    std::string ask(const std::string& command) {
        if (!channel_->send(command + "\n", {})) return {};
        return line_with("\"return\"");
    }

private:
    std::string line_with(const std::string& mark) {
        for (;;) {
            const auto end = text_.find('\n');
            if (end == std::string::npos) {
                const auto more = channel_->receive(kReplyWait);
                if (!more || more->empty()) return {};
                text_ += *more;
                continue;
            }
            const std::string line = text_.substr(0, end);
            text_.erase(0, end + 1);
            if (line.contains("\"error\"")) return {};
            if (line.contains(mark)) return line;
        }
    }
    std::unique_ptr<seam::Channel> channel_;
    std::string text_;
};

/// What the driver found out about this host, kept from test to test: asking whether KVM works takes seconds.
std::map<std::string, std::string>& kept() {
    static std::map<std::string, std::string> facts;
    return facts;
}

class QemuGuests final : public GuestSubject {
public:
    port::Ports ports() override {
        return {driver_->lifecycle(), driver_->capture(), driver_->blocks(), storage_->volume(), storage_->files()};
    }
    StorageSubject& storage() override { return *storage_; }

    model::Domain definition(const model::GuestRef& guest) override {
        model::Domain domain{.name = *DomainName::parse("conformance"), .memory_bytes = 64u << 20};
        const auto machine = driver_->lifecycle().resolve_machine("", "x86_64", "q35");
        if (machine) domain.os.machine = *machine;
        domain.qemu_args = {"-qmp", "unix:" + monitor_path(guest) + ",server=on,wait=off"};
        return domain;
    }

    bool guest_write(const model::GuestRef& guest, const DiskTarget& target, std::uint64_t cluster, unsigned value) override {
        auto& monitor = monitors_[guest];
        if (!monitor) monitor = TestMonitor::connect(*channels_, monitor_path(guest));
        if (!monitor) return false;
        const std::string command = "qemu-io -d " + device(target) + " \\\"write -P " + std::to_string(value) + " " +
                                    std::to_string(cluster * 65'536) + " 65536\\\"";
        const std::string reply =
            monitor->ask(R"({"execute":"human-monitor-command","arguments":{"command-line":")" + command + "\"}}");
        return reply.contains(R"("return": "")") && monitor_flush(*monitor, target);
    }
    std::optional<std::uint64_t> nonce(const model::GuestRef&) override { return std::nullopt; }

private:
    [[nodiscard]] std::string monitor_path(const model::GuestRef& guest) const {
        return storage_->path("monitor-" + std::to_string(guest.generation));
    }
    /// The part of the guest device that has the disk: the driver calls the device disk-<target>.
    static std::string device(const DiskTarget& target) { return "/machine/peripheral/disk-" + target.str() + "/virtio-backend"; }
    static bool monitor_flush(TestMonitor& monitor, const DiskTarget& target) {
        return !monitor.ask(R"({"execute":"human-monitor-command","arguments":{"command-line":"qemu-io -d )" + device(target) +
                            " \\\"flush\\\"\"}}").empty();
    }

    std::unique_ptr<seam::FileSystem> files_ = seam::make_posix_file_system();
    std::unique_ptr<seam::ProcessRunner> processes_ = seam::make_posix_process_runner();
    std::unique_ptr<seam::ChannelFactory> channels_ = seam::make_posix_channel_factory();
    std::unique_ptr<seam::Clock> clock_ = seam::make_posix_clock();
    std::unique_ptr<StorageSubject> storage_ = make_storage();
    std::unique_ptr<hypervisor::qemu::QemuDriver> driver_ = hypervisor::qemu::QemuDriver::make(
        {.root = storage_->path("root"),
         .files = *files_,
         .processes = *processes_,
         .channels = *channels_,
         .clock = *clock_,
         .cache = {.get = [](const std::string& key) -> std::optional<std::string> {
                       const auto found = kept().find(key);
                       return found == kept().end() ? std::nullopt : std::optional(found->second);
                   },
                   .put = [](const std::string& key, const std::string& value) { kept()[key] = value; }}});
    std::map<model::GuestRef, std::unique_ptr<TestMonitor>> monitors_;
};

}  // namespace

std::unique_ptr<GuestSubject> make_guests() { return std::make_unique<QemuGuests>(); }

}  // namespace stasis::conformance
