// fake:///: the in-memory driver, kept in <root>/fake/world.json, with a catalog of its own beside it.
#include <unistd.h>

#include <cerrno>

#include "host/world.h"
#include "hypervisor/fake/driver.h"
#include "seam/posix/posix.h"

namespace stasis::host {
namespace {

class FakeHostWorld final : public World {
public:
    explicit FakeHostWorld(std::string folder) : folder_(std::move(folder)) {}

    Result<void> open() {
        STASIS_CHECK(files_->make_folders(folder_));
        STASIS_TRY(catalog_, catalog::Catalog::open(folder_ + "/catalog.sqlite"));
        STASIS_TRY(driver_, fake::FakeDriver::open(*files_, folder_ + "/world.json", [this] { return clock_->now(); }));
        ports_.emplace(driver_->ports());
        return {};
    }

    seam::FileSystem& files() override { return *files_; }
    seam::Clock& clock() override { return *clock_; }
    catalog::Catalog& catalog() override { return *catalog_; }
    port::Ports& ports() override { return *ports_; }

    Result<void> check_memory_image(const std::string& path) override {
        STASIS_TRY(const bool there, ports_->files.exists(path));
        if (there) return {};
        return fail(ErrorKind::not_found, "read the memory image", path, "there is no such file");
    }
    /// A fake guest's memory is a few lines of text; they go out as they are.
    Result<Bytes> export_memory(const std::string& path, int stream, ProgressSink*, const CancelToken*) override {
        STASIS_TRY(const fake::World world, driver_->world());
        const auto found = world.files.find(path);
        if (found == world.files.end()) return fail(ErrorKind::not_found, "export the memory", path, "there is no such file");
        std::string_view rest = found->second;
        while (!rest.empty()) {
            const ssize_t written = ::write(stream, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return fail_errno(errno, "export the memory", path);
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
        return Bytes{found->second.size()};
    }
    std::string hypervisor_version(const std::string&, const std::string&) override { return {}; }

private:
    std::string folder_;
    std::unique_ptr<seam::FileSystem> files_ = seam::make_posix_file_system();
    std::unique_ptr<seam::Clock> clock_ = seam::make_posix_clock();
    std::unique_ptr<catalog::Catalog> catalog_;
    std::unique_ptr<fake::FakeDriver> driver_;
    std::optional<port::Ports> ports_;
};

}  // namespace

Result<std::unique_ptr<World>> open_fake_world(const std::string& root) {
    auto world = std::make_unique<FakeHostWorld>(root + "/fake");
    STASIS_CHECK(world->open());
    return world;
}

}  // namespace stasis::host
