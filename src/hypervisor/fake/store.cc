#include "hypervisor/fake/store.h"

namespace stasis::fake {
namespace {
constexpr std::uint64_t kWorldBytesMax = 256u << 20;
constexpr std::chrono::milliseconds kLockWait{10'000};
}  // namespace

Result<std::unique_ptr<WorldStore>> WorldStore::open(seam::FileSystem& files, const std::string& path) {
    auto store = std::make_unique<WorldStore>();
    store->files_ = &files;
    store->path_ = path;
    STASIS_CHECK(store->load());
    return store;
}

Result<std::unique_ptr<seam::FileLock>> WorldStore::lock_file() {
    if (files_ == nullptr) return std::unique_ptr<seam::FileLock>();
    return files_->lock(path_ + ".lock", "fake host", kLockWait);
}

Result<void> WorldStore::load() {
    if (files_ == nullptr) return {};
    const auto text = seam::read_file(*files_, path_, kWorldBytesMax);
    if (!text) {
        if (text.error().kind == ErrorKind::not_found) return {};
        return fail_because(text.error(), "read the fake host", path_);
    }
    if (*text == loaded_) return {};
    STASIS_TRY(world_, world_from_text(*text, path_));
    loaded_ = *text;
    return {};
}

Result<void> WorldStore::save(const World& world) {
    if (files_ == nullptr) return {};
    std::string text = world_to_text(world);
    STASIS_CHECK(seam::replace_file(*files_, path_, text));
    loaded_ = std::move(text);
    return {};
}

}  // namespace stasis::fake
