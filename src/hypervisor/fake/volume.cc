#include <algorithm>

#include "hypervisor/fake/ports.h"
#include "hypervisor/fake/rules.h"

namespace stasis::fake {
namespace {

constexpr std::uint64_t kOverlayBytes = 196'616;  ///< of an empty qcow2

Result<void> create_in(World& world, const port::NewOverlay& overlay) {
    STASIS_CHECK(may_create(world, overlay.path, kOverlayBytes, "create the overlay"));
    world.gone.erase(overlay.path);
    world.images[overlay.path] = Image{.format = model::ImageFormat::qcow2,
                                       .virtual_bytes = overlay.virtual_bytes,
                                       .backing_path = overlay.backing_path,
                                       .backing_format = overlay.backing_format,
                                       .inode = ++world.sequence,
                                       .changed = static_cast<std::int64_t>(world.sequence)};
    return {};
}

Result<void> merge_in(World& world, const std::vector<model::Image>& chain) {
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < chain.size(); ++i) {
        STASIS_CHECK(take_image(world, chain[i].path, chain[i].format));
        const bool written = i == 0 || i + 1 == chain.size();  // qemu-img opens the top for writing too
        STASIS_CHECK(may_use(world, chain[i].path, written ? Use::write : Use::read, std::nullopt));
        paths.push_back(chain[i].path);
    }
    return merge_images(world, paths);
}

}  // namespace

Result<model::ImageFacts> FakeVolume::inspect(const std::string& path, model::ImageFormat stated) {
    return store_.look([&](const World& world) -> Result<model::ImageFacts> {
        const auto image = look_at(world, path, stated);
        if (!image) return fail_because(image.error(), "inspect the image", path);
        model::ImageFacts facts{.format = stated,
                                .virtual_bytes = image->virtual_bytes,
                                .allocated_bytes = image->clusters.size() * kClusterBytes,
                                .backing_path = image->backing_path,
                                .backing_format = image->backing_path.empty() ? std::string()
                                                  : image->backing_format == model::ImageFormat::raw ? "raw" : "qcow2",
                                .writable = image->writable,
                                .fingerprint = {.size_bytes = image->virtual_bytes,
                                                .modified_ns = image->changed,
                                                .inode = image->inode}};
        for (const auto& snapshot : image->snapshots) facts.internal_snapshots.push_back(snapshot.name);
        return facts;
    });
}

Result<void> FakeVolume::create_overlay(const port::NewOverlay& overlay) {
    return store_.change([&](World& world) { return create_in(world, overlay); });
}

Result<void> FakeVolume::create_internal(const std::string& path, const std::string& name) {
    return store_.change([&](World& world) -> Result<void> {
        STASIS_CHECK(may_use(world, path, Use::write, std::nullopt));
        return add_internal(world, path, name);
    });
}

Result<void> FakeVolume::apply_internal(const std::string& path, const std::string& name) {
    return store_.change([&](World& world) -> Result<void> {
        STASIS_CHECK(may_use(world, path, Use::write, std::nullopt));
        return fake::apply_internal(world, path, name);
    });
}

Result<void> FakeVolume::delete_internal(const std::string& path, const std::string& name) {
    return store_.change([&](World& world) -> Result<void> {
        STASIS_CHECK(may_use(world, path, Use::write, std::nullopt));
        return drop_internal(world, path, name);
    });
}

Result<void> FakeVolume::merge_down(const std::vector<model::Image>& chain, ProgressSink* progress, const CancelToken* cancel) {
    const std::string subject = chain.empty() ? "an empty chain" : chain.front().path;
    if (chain.size() < 2) return fail(ErrorKind::invalid, "merge the image down", subject, "a merge needs two images at least");
    if (cancel != nullptr && cancel->cancelled())
        return fail(ErrorKind::interrupted, "merge the image down", subject, "it was cancelled");
    STASIS_CHECK(store_.change([&](World& world) { return merge_in(world, chain); }));
    if (progress != nullptr) progress->progress({.activity = "merging", .done_bytes = 1, .total_bytes = 1});
    return {};
}

}  // namespace stasis::fake
