#include <algorithm>

#include "hypervisor/fake/ports.h"
#include "hypervisor/fake/rules.h"

namespace stasis::fake {
namespace {

constexpr std::string_view kAttempted = "merge the active layer down";

/// The images from the active layer to `base`, once all rules allow the merge.
Result<std::vector<std::string>> chain_to(World& world, const model::GuestRef& ref, const Guest& guest, const GuestDisk& disk,
                                          model::ImageId top, model::ImageId base) {
    const auto refuse = [&](ErrorKind kind, std::string why) {
        return fail(kind, std::string(kAttempted), "disk '" + disk.target.str() + "'", std::move(why));
    };
    if (disk.chain.front().id != top) return refuse(ErrorKind::invalid, "another layer is active");
    if (guest.parked) return refuse(ErrorKind::failed, "the guest has given up its images");
    const auto below = std::ranges::find(disk.chain, base, &model::ChainImage::id);
    if (below == disk.chain.end()) return refuse(ErrorKind::not_found, "the base is not in its chain");
    std::vector<std::string> chain;
    for (auto image = disk.chain.begin(); image <= below; ++image) chain.push_back(image->path);
    STASIS_CHECK(may_use(world, chain.back(), Use::write, ref));
    return chain;
}

/// The merge goes on from here. True: the base is active already.
Result<bool> begin_merge(World& world, const model::GuestRef& ref, const DiskTarget& target, model::ImageId top,
                         model::ImageId base) {
    STASIS_TRY(Guest* const guest, find_guest(world, ref, kAttempted));
    STASIS_TRY(const GuestDisk* const disk, find_guest_disk(*guest, target, kAttempted));
    if (disk->chain.front().id == base) return true;
    STASIS_CHECK(refuse_merging(*guest, kAttempted));
    STASIS_CHECK(chain_to(world, ref, *guest, *disk, top, base));
    guest->merging.push_back({target, top, base});
    return false;
}

/// True: the guest runs and is held from here on.
Result<bool> switch_in(World& world, const model::GuestRef& ref, const Merging& merge, bool hold) {
    STASIS_TRY(Guest* const guest, find_guest(world, ref, kAttempted));
    STASIS_TRY(GuestDisk* const disk, find_guest_disk(*guest, merge.target, kAttempted));
    STASIS_TRY(const auto chain, chain_to(world, ref, *guest, *disk, merge.top, merge.base));
    STASIS_CHECK(merge_images(world, chain));
    disk->chain.erase(disk->chain.begin(), std::ranges::find(disk->chain, merge.base, &model::ChainImage::id));
    world.images.at(chain.back()).was_active = true;
    std::erase(guest->merging, merge);
    const bool held = hold && guest->state == DomainState::running;
    if (held) guest->state = DomainState::paused;
    return held;
}

Result<void> run_on(World& world, const model::GuestRef& ref) {
    STASIS_TRY(Guest* const guest, find_guest(world, ref, kAttempted));
    guest->state = DomainState::running;
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

/// A tool that dies before the switch, in the sink for one, leaves the merge going on; between the switch and the release
/// of the guest, a guest that stands.
Result<void> FakeBlockGraph::merge_down(const model::GuestRef& ref, const DiskTarget& target, model::ImageId top,
                                        model::ImageId base, ProgressSink* progress, const CancelToken* cancel) {
    const Merging merge{target, top, base};
    STASIS_TRY(const bool active, store_.change([&](World& world) { return begin_merge(world, ref, target, top, base); }));
    bool held = false;
    if (!active) {
        if (progress != nullptr) progress->progress({.activity = "merging", .done_bytes = 1, .total_bytes = 1});
        if (cancel != nullptr && cancel->cancelled()) {
            STASIS_CHECK(abandon_merge(ref, target));
            return fail(ErrorKind::interrupted, std::string(kAttempted), "disk '" + target.str() + "'", "it was cancelled");
        }
        auto switched = store_.change([&](World& world) { return switch_in(world, ref, merge, switched_ != nullptr); });
        if (!switched) (void)abandon_merge(ref, target);
        STASIS_TRY(held, switched);
    }
    if (switched_) STASIS_CHECK(switched_());
    return held ? store_.change([&](World& world) { return run_on(world, ref); }) : Result<void>{};
}

Result<void> FakeBlockGraph::abandon_merge(const model::GuestRef& ref, const DiskTarget& target) {
    return store_.change([&](World& world) -> Result<void> {
        const auto guest = world.guests.find(ref);
        if (guest != world.guests.end())
            std::erase_if(guest->second.merging, [&](const Merging& merge) { return merge.target == target; });
        return {};
    });
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
