// Real files, through storage/.
#include <cstdio>

#include "storage/storage.h"
#include "storage/testing/real_images.h"
#include "subject.h"

namespace stasis::conformance {

namespace {

class RealStorage final : public StorageSubject {
public:
    port::Volume& volume() override { return *volume_; }
    port::StateFiles& files() override { return *files_; }
    [[nodiscard]] std::string path(const std::string& name) const override { return images_.path(name); }
    bool make_image(const std::string& path, model::ImageFormat format) override { return images_.make(path, format, kDiskBytes); }
    bool write(const std::string& path, model::ImageFormat format, std::uint64_t cluster, unsigned value) override {
        return images_.write(path, format, cluster, value);
    }
    bool holds(const std::string& path, model::ImageFormat format, std::uint64_t cluster, unsigned value) override {
        return images_.holds(path, format, cluster, value);
    }
    bool put_file(const std::string& path, const std::string& text) override {
        return seam::replace_file(images_.files(), path, text).has_value();
    }
    std::optional<std::string> file_text(const std::string& path) override {
        const auto text = seam::read_file(images_.files(), path, 1 << 20);
        return text ? std::optional(*text) : std::nullopt;
    }

private:
    storage::test::RealImages images_;
    std::unique_ptr<port::Volume> volume_ = storage::make_volume(images_.files(), images_.processes());
    std::unique_ptr<port::StateFiles> files_ = storage::make_state_files(images_.files());
};

}  // namespace

std::unique_ptr<StorageSubject> make_storage() { return std::make_unique<RealStorage>(); }

}  // namespace stasis::conformance
