#include <algorithm>

#include "hypervisor/fake/ports.h"
#include "hypervisor/fake/rules.h"

namespace stasis::fake {
namespace {

bool known(const World& world, const std::string& path) {
    return world.files.contains(path) || world.images.contains(path) || world.folders.contains(path);
}

bool holds_anything(const World& world, const std::string& folder) {
    const auto inside = [prefix = folder + "/"](const std::string& path) { return path.starts_with(prefix); };
    return std::ranges::any_of(world.files, inside, [](const auto& file) { return file.first; }) ||
           std::ranges::any_of(world.images, inside, [](const auto& image) { return image.first; }) ||
           std::ranges::any_of(world.folders, inside);
}

Result<void> check_absolute(const std::string& path, std::string_view attempted) {
    if (path.starts_with('/')) return {};
    return fail(ErrorKind::invalid, std::string(attempted), path, "the path is not absolute", "name a file by its absolute path");
}

Result<void> copy_in(World& world, const std::string& from, const std::string& to) {
    const auto source = world.files.find(from);
    if (source == world.files.end() && !exists_untold(world, from))
        return fail(ErrorKind::not_found, "copy the file", from, "there is no such file", "check the path");
    const std::string content = source == world.files.end() ? std::string() : source->second;
    if (!world.files.contains(to)) STASIS_CHECK(may_create(world, to, content.size(), "copy the file"));
    world.gone.erase(to);
    world.files[to] = content;
    return {};
}

}  // namespace

Result<bool> FakeStateFiles::make_folder(const std::string& path) {
    STASIS_CHECK(check_absolute(path, "make the folder"));
    return store_.change([&](World& world) -> Result<bool> {
        if (world.files.contains(path) || world.images.contains(path))
            return fail(ErrorKind::exists, "make the folder", path, "a file is in its place", "choose another path");
        world.gone.erase(path);
        return world.folders.insert(path).second;
    });
}

Result<void> FakeStateFiles::remove_folder(const std::string& path) {
    STASIS_CHECK(check_absolute(path, "remove the folder"));
    return store_.change([&](World& world) -> Result<void> {
        if (!holds_anything(world, path) && world.folders.erase(path) != 0) world.gone.insert(path);
        return {};
    });
}

Result<void> FakeStateFiles::remove_file(const std::string& path) {
    STASIS_CHECK(check_absolute(path, "remove the file"));
    return store_.change([&](World& world) -> Result<void> {
        world.files.erase(path);
        world.images.erase(path);
        world.gone.insert(path);
        return {};
    });
}

Result<void> FakeStateFiles::copy_file(const std::string& from, const std::string& to) {
    return store_.change([&](World& world) { return copy_in(world, from, to); });
}

Result<bool> FakeStateFiles::exists(const std::string& path) {
    STASIS_CHECK(check_absolute(path, "look for"));
    return store_.look([&](const World& world) -> Result<bool> { return known(world, path); });
}

Result<std::uint64_t> FakeStateFiles::free_bytes(const std::string&) {
    return store_.look([](const World& world) -> Result<std::uint64_t> { return world.free_bytes; });
}

}  // namespace stasis::fake
