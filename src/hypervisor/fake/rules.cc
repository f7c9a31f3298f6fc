#include "hypervisor/fake/rules.h"

#include <algorithm>

namespace stasis::fake {
namespace {

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

bool opens_for_writing(const GuestDisk& disk, std::size_t position) { return position == 0 && !disk.read_only; }

/// How `guest` holds `path`: absent, reading or writing; shared writing counts as reading.
std::optional<Use> held(const Guest& guest, const std::string& path, bool asker_shares) {
    std::optional<Use> strongest;
    for (const auto& disk : guest.disks)
        for (std::size_t i = 0; i < disk.chain.size(); ++i) {
            if (disk.chain[i].path != path) continue;
            const bool writes = opens_for_writing(disk, i) && !(disk.shareable && asker_shares);
            if (writes || !strongest) strongest = writes ? Use::write : Use::read;
        }
    for (const auto& overlay : guest.opened)
        if (overlay.image.path == path) strongest = Use::write;
    return strongest;
}

Result<void> check_free(const World& world, const std::string& path, Use use, const std::optional<model::GuestRef>& by,
                        bool shares) {
    for (const auto& [ref, guest] : world.guests) {
        if (by == ref || guest.parked) continue;
        const auto how = held(guest, path, shares);
        const bool shared_write = shares && how == Use::read;
        if (!how || shared_write || (use == Use::read && *how == Use::read)) continue;
        return fail(ErrorKind::busy, "open the image", path, "guest " + ref.domain.str() + " has it open",
                    "stop that guest and try again");
    }
    return {};
}

Result<void> check_link(const World& world, const std::vector<model::ChainImage>& chain, std::size_t i) {
    STASIS_TRY(const auto image, look_at(world, chain[i].path, chain[i].format));
    const std::string below = i + 1 < chain.size() ? chain[i + 1].path : "";
    if (!below.empty() && image.backing_path != below)
        return fail(ErrorKind::corrupt, "open the image", chain[i].path,
                    "it builds on '" + image.backing_path + "', not on '" + below + "'");
    if (i == 0 && !image.damaged.empty())
        return fail(ErrorKind::corrupt, "open the image", chain[i].path, image.damaged);
    return {};
}

void spread_damage(World& world, const std::string& path, const std::vector<std::string>& chain, const std::string& why) {
    for (auto& [child_path, child] : world.images) {
        if (child.backing_path != path || !child.damaged.empty()) continue;
        if (std::ranges::find(chain, child_path) != chain.end()) continue;
        if (!child.was_active && child.clusters.empty()) continue;  // prepared, not yet anybody's
        child.damaged = why;
        world.violations.push_back(child_path + ": " + why);
        spread_damage(world, child_path, chain, why);
    }
}

Result<Image*> take_qcow2(World& world, const std::string& path, std::string_view attempted) {
    auto image = take_image(world, path, model::ImageFormat::qcow2);
    if (!image) return fail_because(image.error(), std::string(attempted), path);
    return *image;
}

}  // namespace

bool exists_untold(const World& world, const std::string& path) {
    if (!path.starts_with('/') || path.contains("missing") || world.gone.contains(path)) return false;
    if (world.files.contains(path) || world.folders.contains(path)) return false;
    return !world.folders.contains(folder_of(path));
}

bool image_exists(const World& world, const std::string& path) {
    return world.images.contains(path) || exists_untold(world, path);
}

Result<Image> look_at(const World& world, const std::string& path, model::ImageFormat stated) {
    const auto known = world.images.find(path);
    if (known == world.images.end()) {
        if (exists_untold(world, path)) return Image{.format = stated};
        if (world.files.contains(path))
            return fail(ErrorKind::invalid, "open the image", path, "it is a file, not an image", "name an image");
        return fail(ErrorKind::not_found, "open the image", path, "there is no such file", "check the path");
    }
    if (known->second.format != stated && stated == model::ImageFormat::qcow2)
        return fail(ErrorKind::invalid, "open the image", path, "it is stated to be qcow2 and is not",
                    "state its true format in the domain's definition");
    return known->second;
}

Result<Image*> take_image(World& world, const std::string& path, model::ImageFormat stated) {
    STASIS_TRY(const auto image, look_at(world, path, stated));
    return &world.images.try_emplace(path, image).first->second;
}

Result<void> may_create(const World& world, const std::string& path, std::uint64_t bytes, std::string_view attempted) {
    if (!path.starts_with('/'))
        return fail(ErrorKind::invalid, std::string(attempted), path, "the path is not absolute", "name a file by its absolute path");
    if (world.images.contains(path) || world.files.contains(path) || world.folders.contains(path))
        return fail(ErrorKind::exists, std::string(attempted), path, "something is there already", "choose another path");
    const std::string folder = folder_of(path);
    if (folder.contains("missing") || world.gone.contains(folder))
        return fail(ErrorKind::not_found, std::string(attempted), path, "its folder does not exist", "make the folder");
    if (bytes > world.free_bytes)
        return fail(ErrorKind::no_space, std::string(attempted), path, "the file system is full", "free some space and try again");
    return {};
}

std::string subject_of(const model::GuestRef& guest) {
    return "guest " + guest.domain.str() + " generation " + std::to_string(guest.generation);
}

Result<Guest*> find_guest(World& world, const model::GuestRef& guest, std::string_view attempted) {
    const auto found = world.guests.find(guest);
    if (found == world.guests.end())
        return fail(ErrorKind::not_found, std::string(attempted), subject_of(guest), "it has no process", "start the domain");
    return &found->second;
}

Result<GuestDisk*> find_guest_disk(Guest& guest, const DiskTarget& target, std::string_view attempted) {
    const auto found = std::ranges::find(guest.disks, target, &GuestDisk::target);
    if (found == guest.disks.end() || found->chain.empty())
        return fail(ErrorKind::not_found, std::string(attempted), "disk '" + target.str() + "'",
                    "the guest has no such disk, or no medium in it");
    return &*found;
}

Result<void> refuse_merging(const Guest& guest, std::string_view attempted) {
    if (guest.merging.empty()) return {};
    return fail(ErrorKind::busy, std::string(attempted), "disk '" + guest.merging.front().target.str() + "'",
                "a merge of its layers goes on", "let it end, or abandon it");
}

Result<void> may_use(const World& world, const std::string& path, Use use, const std::optional<model::GuestRef>& by) {
    return check_free(world, path, use, by, false);
}

Result<void> open_disks(World& world, const model::GuestRef& ref, const std::vector<GuestDisk>& disks) {
    for (const auto& disk : disks)
        for (std::size_t i = 0; i < disk.chain.size(); ++i) {
            const auto& path = disk.chain[i].path;
            STASIS_CHECK(check_link(world, disk.chain, i));
            const bool writes = opens_for_writing(disk, i);
            STASIS_CHECK(check_free(world, path, writes ? Use::write : Use::read, ref, disk.shareable && i == 0));
            STASIS_TRY(Image* const image, take_image(world, path, disk.chain[i].format));
            if (writes && !image->writable)
                return fail(ErrorKind::denied, "open the image", path, "it is read-only", "make it writable or the disk read-only");
            if (i == 0) image->was_active = true;
        }
    return {};
}

void note_write(World& world, const std::string& path, const std::vector<std::string>& chain) {
    world.images.at(path).changed = static_cast<std::int64_t>(++world.sequence);
    spread_damage(world, path, chain, "'" + path + "' was written though it builds on it");
}

std::uint64_t read_cluster(const World& world, const std::string& path, std::uint64_t cluster) {
    std::string at = path;
    for (std::uint32_t depth = 0; depth <= model::kChainDepthMax && !at.empty(); ++depth) {
        const auto image = world.images.find(at);
        if (image == world.images.end()) return 0;
        if (const auto found = image->second.clusters.find(cluster); found != image->second.clusters.end()) return found->second;
        at = image->second.backing_path;
    }
    return 0;
}

Result<void> merge_images(World& world, const std::vector<std::string>& chain) {
    const auto broken = [&](const std::string& why) {
        return fail(ErrorKind::corrupt, "merge the image down", chain.front(), why,
                    "another tool has changed the images; compare them with the domain's snapshots");
    };
    Image& base = world.images.at(chain.back());
    for (std::size_t i = 0; i + 1 < chain.size(); ++i)
        if (world.images.at(chain[i]).backing_path != chain[i + 1])
            return broken("'" + chain[i] + "' does not build on '" + chain[i + 1] + "'");
    for (std::size_t i = chain.size() - 1; i-- > 0;)
        for (const auto& [cluster, value] : world.images.at(chain[i]).clusters) base.clusters[cluster] = value;
    base.virtual_bytes = std::max(base.virtual_bytes, world.images.at(chain.front()).virtual_bytes);
    note_write(world, chain.back(), chain);
    for (std::size_t i = 1; i + 1 < chain.size(); ++i)  // between: they show the merged state now
        world.images.at(chain[i]).damaged = "'" + chain.back() + "' below it was merged into";
    return {};
}

Result<void> add_internal(World& world, const std::string& path, const std::string& name) {
    const std::string attempted = "create internal snapshot '" + name + "'";
    STASIS_TRY(Image* const image, take_qcow2(world, path, attempted));
    if (std::ranges::find(image->snapshots, name, &InternalSnapshot::name) != image->snapshots.end())
        return fail(ErrorKind::exists, attempted, path, "the image has an internal snapshot of that name", "choose another name");
    image->snapshots.push_back({name, image->clusters});
    image->changed = static_cast<std::int64_t>(++world.sequence);
    return {};
}

Result<void> apply_internal(World& world, const std::string& path, const std::string& name) {
    const std::string attempted = "apply internal snapshot '" + name + "'";
    STASIS_TRY(Image* const image, take_qcow2(world, path, attempted));
    const auto found = std::ranges::find(image->snapshots, name, &InternalSnapshot::name);
    if (found == image->snapshots.end())
        return fail(ErrorKind::not_found, attempted, path, "the image has no internal snapshot of that name");
    image->clusters = found->clusters;
    note_write(world, path, {});
    return {};
}

Result<void> drop_internal(World& world, const std::string& path, const std::string& name) {
    STASIS_TRY(Image* const image, take_qcow2(world, path, "delete internal snapshot '" + name + "'"));
    std::erase_if(image->snapshots, [&](const InternalSnapshot& snapshot) { return snapshot.name == name; });
    image->changed = static_cast<std::int64_t>(++world.sequence);
    return {};
}

}  // namespace stasis::fake
