#include "hypervisor/fake/driver.h"

#include "hypervisor/fake/rules.h"

namespace stasis::fake {
namespace {

Result<void> write_active(World& world, const GuestDisk& disk, std::uint64_t cluster, std::uint64_t value) {
    const std::string& path = disk.chain.front().path;
    if (disk.read_only) return fail(ErrorKind::denied, "write", "disk '" + disk.target.str() + "'", "it is read-only");
    world.images.at(path).clusters[cluster] = value;
    note_write(world, path, {});
    return {};
}

Result<Guest*> find_running(World& world, const model::GuestRef& ref) {
    STASIS_TRY(Guest* const guest, find_guest(world, ref, "let the guest work"));
    if (guest->state != DomainState::running)
        return fail(ErrorKind::failed, "let the guest work", subject_of(ref), "it is not running");
    return guest;
}

}  // namespace

FakeDriver::FakeDriver(Now now) : FakeDriver(std::make_unique<WorldStore>(), std::move(now)) {}

FakeDriver::FakeDriver(std::unique_ptr<WorldStore> store, Now now)
    : store_(std::move(store)), lifecycle_(*store_, std::move(now)), capture_(*store_), blocks_(*store_), volume_(*store_), files_(*store_) {}

Result<std::unique_ptr<FakeDriver>> FakeDriver::open(seam::FileSystem& files, const std::string& path, Now now) {
    STASIS_TRY(auto store, WorldStore::open(files, path));
    return std::unique_ptr<FakeDriver>(new FakeDriver(std::move(store), std::move(now)));
}

Result<void> FakeDriver::tick(const model::GuestRef& ref) {
    return store_->change([&](World& world) -> Result<void> {
        STASIS_TRY(Guest* const guest, find_running(world, ref));
        ++guest->memory.counter;
        for (const auto& disk : guest->disks)
            if (!disk.chain.empty() && !disk.read_only) STASIS_CHECK(write_active(world, disk, 0, guest->memory.counter));
        return {};
    });
}

Result<void> FakeDriver::guest_write(const model::GuestRef& ref, const DiskTarget& target, std::uint64_t cluster,
                                     std::uint64_t value) {
    return store_->change([&](World& world) -> Result<void> {
        STASIS_TRY(Guest* const guest, find_running(world, ref));
        STASIS_TRY(const GuestDisk* const disk, find_guest_disk(*guest, target, "write"));
        return write_active(world, *disk, cluster, value);
    });
}

Result<std::uint64_t> FakeDriver::guest_read(const model::GuestRef& ref, const DiskTarget& target, std::uint64_t cluster) {
    STASIS_TRY(World world, this->world());
    STASIS_TRY(Guest* const guest, find_guest(world, ref, "read"));
    STASIS_TRY(const GuestDisk* const disk, find_guest_disk(*guest, target, "read"));
    return read_cluster(world, disk->chain.front().path, cluster);
}

Result<void> FakeDriver::guest_write_memory(const model::GuestRef& ref, std::uint64_t page, std::uint64_t value) {
    return store_->change([&](World& world) -> Result<void> {
        STASIS_TRY(Guest* const guest, find_running(world, ref));
        guest->memory.pages[page] = value;
        return {};
    });
}

Result<Memory> FakeDriver::guest_memory(const model::GuestRef& ref) {
    STASIS_TRY(World world, this->world());
    STASIS_TRY(const Guest* const guest, find_guest(world, ref, "read the memory"));
    return guest->memory;
}

Result<std::uint64_t> FakeDriver::image_read(const std::string& path, std::uint64_t cluster) {
    return store_->look([&](const World& world) -> Result<std::uint64_t> { return read_cluster(world, path, cluster); });
}

Result<void> FakeDriver::image_write(const std::string& path, model::ImageFormat format, std::uint64_t cluster, std::uint64_t value) {
    return store_->change([&](World& world) -> Result<void> {
        STASIS_TRY(Image* const image, take_image(world, path, format));
        image->clusters[cluster] = value;
        note_write(world, path, {});
        return {};
    });
}

Result<void> FakeDriver::add_image(const std::string& path, Image image) {
    return edit([&](World& world) {
        world.gone.erase(path);
        image.inode = ++world.sequence;
        world.images[path] = std::move(image);
    });
}

Result<void> FakeDriver::put_file(const std::string& path, const std::string& content) {
    return edit([&](World& world) {
        world.gone.erase(path);
        world.files[path] = content;
    });
}

Result<void> FakeDriver::remove_path(const std::string& path) {
    return edit([&](World& world) {
        world.images.erase(path);
        world.files.erase(path);
        world.folders.erase(path);
        world.gone.insert(path);
    });
}

Result<void> FakeDriver::guest_dies(const model::GuestRef& ref) {
    return edit([&](World& world) { world.guests.erase(ref); });
}

Result<void> FakeDriver::edit(const std::function<void(World&)>& edit) {
    return store_->change([&](World& world) -> Result<void> {
        edit(world);
        return {};
    });
}

Result<World> FakeDriver::world() {
    return store_->look([](const World& world) -> Result<World> { return world; });
}

}  // namespace stasis::fake
