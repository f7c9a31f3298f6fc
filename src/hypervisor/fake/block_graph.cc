#include <algorithm>

#include "hypervisor/fake/ports.h"
#include "hypervisor/fake/rules.h"

namespace stasis::fake {
namespace {

Result<void> merge_in(World& world, const model::GuestRef& ref, const DiskTarget& target, model::ImageId top,
                      model::ImageId base) {
    constexpr std::string_view kAttempted = "merge the active layer down";
    STASIS_TRY(Guest* const guest, find_guest(world, ref, kAttempted));
    STASIS_TRY(GuestDisk* const disk, find_guest_disk(*guest, target, kAttempted));
    if (disk->chain.front().id == base) return {};
    const auto refuse = [&](ErrorKind kind, std::string why) {
        return fail(kind, std::string(kAttempted), "disk '" + target.str() + "'", std::move(why));
    };
    if (disk->chain.front().id != top) return refuse(ErrorKind::invalid, "another layer is active");
    if (guest->parked) return refuse(ErrorKind::failed, "the guest has given up its images");
    const auto below = std::ranges::find(disk->chain, base, &model::ChainImage::id);
    if (below == disk->chain.end()) return refuse(ErrorKind::not_found, "the base is not in its chain");
    std::vector<std::string> chain;
    for (auto image = disk->chain.begin(); image <= below; ++image) chain.push_back(image->path);
    STASIS_CHECK(may_use(world, chain.back(), Use::write, ref));
    STASIS_CHECK(merge_images(world, chain));
    disk->chain.erase(disk->chain.begin(), below);
    world.images.at(chain.back()).was_active = true;
    return {};
}

}  // namespace

Result<model::ActiveLayers> FakeBlockGraph::active_layers(const model::GuestRef& ref) {
    return store_.look([&](const World& world) -> Result<model::ActiveLayers> {
        World copy = world;
        STASIS_TRY(const Guest* const guest, find_guest(copy, ref, "ask for the active layers"));
        model::ActiveLayers layers;
        for (const auto& disk : guest->disks)
            if (!disk.chain.empty()) layers[disk.target] = disk.chain.front().id;
        return layers;
    });
}

Result<void> FakeBlockGraph::merge_down(const model::GuestRef& ref, const DiskTarget& target, model::ImageId top,
                                        model::ImageId base, ProgressSink* progress, const CancelToken* cancel) {
    if (cancel != nullptr && cancel->cancelled())
        return fail(ErrorKind::interrupted, "merge the active layer down", "disk '" + target.str() + "'", "it was cancelled");
    STASIS_CHECK(store_.change([&](World& world) { return merge_in(world, ref, target, top, base); }));
    if (switched_) STASIS_CHECK(switched_());  // nobody ticks a fake guest between the switch and this
    if (progress != nullptr) progress->progress({.activity = "merging", .done_bytes = 1, .total_bytes = 1});
    return {};
}

Result<void> FakeBlockGraph::delete_internal(const model::GuestRef& ref, const DiskTarget& target, model::ImageId image,
                                             const std::string& name) {
    return store_.change([&](World& world) -> Result<void> {
        const std::string attempted = "delete internal snapshot '" + name + "'";
        STASIS_TRY(Guest* const guest, find_guest(world, ref, attempted));
        STASIS_TRY(const GuestDisk* const disk, find_guest_disk(*guest, target, attempted));
        if (disk->chain.front().id != image)
            return fail(ErrorKind::invalid, attempted, "disk '" + target.str() + "'", "another layer is active");
        return drop_internal(world, disk->chain.front().path, name);
    });
}

}  // namespace stasis::fake
