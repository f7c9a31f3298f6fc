// qemu:///: the QEMU driver and real storage over the real seams, with the catalog below the state folder.
#include "host/world.h"
#include "hypervisor/qemu/driver.h"
#include "memory/replay.h"
#include "seam/posix/posix.h"
#include "storage/storage.h"

namespace stasis::host {
namespace {

class QemuHostWorld final : public World {
public:
    explicit QemuHostWorld(std::string root) : root_(std::move(root)) {}

    Result<void> open() {
        STASIS_CHECK(files_->make_folders(root_));
        STASIS_TRY(catalog_, catalog::Catalog::open(root_ + "/catalog.sqlite"));
        driver_ = hypervisor::qemu::QemuDriver::make({root_, *files_, *processes_, *channels_, *clock_, ability_cache()});
        ports_.emplace(port::Ports{driver_->lifecycle(), driver_->capture(), driver_->blocks(), *volume_, *state_files_});
        return {};
    }

    seam::FileSystem& files() override { return *files_; }
    seam::Clock& clock() override { return *clock_; }
    catalog::Catalog& catalog() override { return *catalog_; }
    port::Ports& ports() override { return *ports_; }

    Result<void> check_memory_image(const std::string& path) override {
        STASIS_CHECK(memory::summarize(*files_, path));
        return {};
    }
    Result<Bytes> export_memory(const std::string& path, int stream, ProgressSink* progress,
                                const CancelToken* cancel) override {
        STASIS_TRY(const memory::ReplayTotals totals, memory::replay(*files_, path, stream, progress, cancel));
        return Bytes{totals.stream_bytes};
    }
    std::string hypervisor_version(const std::string& emulator, const std::string& arch) override {
        return driver_->version_of(emulator, arch);
    }

private:
    hypervisor::qemu::AbilityCache ability_cache() {
        return {.get = [this](const std::string& key) -> std::optional<std::string> {
                    auto value = catalog_->cached(key);
                    return value ? *std::move(value) : std::nullopt;
                },
                .put = [this](const std::string& key, const std::string& value) {
                    // Only a shortcut: what cannot be kept is found out again.
                    [[maybe_unused]] const auto kept = catalog_->cache(key, value);
                }};
    }

    std::string root_;
    std::unique_ptr<seam::FileSystem> files_ = seam::make_posix_file_system();
    std::unique_ptr<seam::Clock> clock_ = seam::make_posix_clock();
    std::unique_ptr<seam::ProcessRunner> processes_ = seam::make_posix_process_runner();
    std::unique_ptr<seam::ChannelFactory> channels_ = seam::make_posix_channel_factory();
    std::unique_ptr<catalog::Catalog> catalog_;
    std::unique_ptr<hypervisor::qemu::QemuDriver> driver_;
    std::unique_ptr<port::Volume> volume_ = storage::make_volume(*files_, *processes_);
    std::unique_ptr<port::StateFiles> state_files_ = storage::make_state_files(*files_);
    std::optional<port::Ports> ports_;
};

}  // namespace

Result<std::unique_ptr<World>> open_qemu_world(const std::string& root) {
    auto world = std::make_unique<QemuHostWorld>(root);
    STASIS_CHECK(world->open());
    return world;
}

}  // namespace stasis::host
