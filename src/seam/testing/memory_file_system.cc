#include "seam/testing/memory_file_system.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "seam/testing/memory_tree.h"

namespace stasis::seam {

namespace {

using World = MemoryFileSystem::World;

class MemoryLock final : public FileLock {
public:
    MemoryLock(std::shared_ptr<World> world, MemoryNodePtr node, std::uint64_t number)
        : world_(std::move(world)), node_(std::move(node)), number_(number) {}
    MemoryLock(const MemoryLock&) = delete;
    MemoryLock& operator=(const MemoryLock&) = delete;
    ~MemoryLock() override {
        const std::lock_guard guard(world_->mutex);
        const auto held = world_->locked.find(node_.get());
        if (held != world_->locked.end() && held->second == number_) world_->locked.erase(held);
        world_->unlocked.notify_all();
    }

private:
    std::shared_ptr<World> world_;
    MemoryNodePtr node_;
    std::uint64_t number_;
};

void add_tree(std::vector<std::string>& lines, const std::string& prefix, const MemoryNode& folder) {
    for (const auto& [name, child] : folder.children) {
        lines.push_back(prefix + name + (child->is_folder ? "/" : ""));
        add_tree(lines, prefix + name + "/", *child);
    }
}

void remove_entry(World& world, MemoryPlace& place) {
    world.used -= std::min<std::uint64_t>(world.used, place.node->data.size());
    place.parent->children.erase(place.name);
    world.touch(*place.parent);
}

// The rules of rename(2) on what stands at the target.
Result<void> check_replaceable(const MemoryPlace& from, const MemoryPlace& to, const std::string& attempted,
                               const std::string& path) {
    if (to.node == nullptr) return {};
    if (to.node->is_folder && !from.node->is_folder) return fail_errno(EISDIR, attempted, path);
    if (!to.node->is_folder && from.node->is_folder) return fail_errno(ENOTDIR, attempted, path);
    if (to.node->is_folder && !to.node->children.empty()) return fail_errno(ENOTEMPTY, attempted, path);
    return {};
}

}  // namespace

MemoryFileSystem::MemoryFileSystem() : world_(std::make_shared<World>()) {}
MemoryFileSystem::~MemoryFileSystem() = default;

Result<std::unique_ptr<File>> MemoryFileSystem::open_read(const std::string& path) {
    const std::lock_guard guard(world_->mutex);
    STASIS_TRY(const auto place, world_->find("open", path));
    if (place.node->is_folder) return fail(ErrorKind::invalid, "open", path, "it is neither a file nor a block device");
    if ((place.node->mode & 0400) == 0) return fail_errno(EACCES, "open", path);
    return make_memory_file(world_, place.node, path, false);
}

Result<std::unique_ptr<File>> MemoryFileSystem::create(const std::string& path) {
    const std::lock_guard guard(world_->mutex);
    STASIS_TRY(const auto place, world_->walk("create", path));
    if (place.node != nullptr) return fail_errno(EEXIST, "create", path);
    auto node = world_->make_node(false, 0600);
    place.parent->children[place.name] = node;
    return make_memory_file(world_, std::move(node), path, true);
}

Result<FileStat> MemoryFileSystem::stat(const std::string& path) {
    const std::lock_guard guard(world_->mutex);
    STASIS_TRY(const auto place, world_->find("examine", path));
    const auto& node = *place.node;
    FileStat result;
    result.is_file = !node.is_folder;
    result.is_folder = node.is_folder;
    result.size_bytes = node.data.size();
    result.allocated_bytes = node.data.size();
    result.modified_ns = node.modified_ns;
    result.inode = node.inode;
    result.mode = node.mode;
    return result;
}

Result<bool> MemoryFileSystem::exists(const std::string& path) {
    const std::lock_guard guard(world_->mutex);
    const auto place = world_->walk("examine", path);
    if (!place && place.error().kind == ErrorKind::invalid) return std::unexpected(place.error());
    return place && place->node != nullptr;
}

Result<bool> MemoryFileSystem::make_folders(const std::string& path) {
    const std::lock_guard guard(world_->mutex);
    bool made = false;
    for (std::size_t end = 0; end != std::string::npos;) {
        end = path.find('/', end + 1);
        STASIS_TRY(const auto place, world_->walk("make folder", path.substr(0, end)));
        made = place.node == nullptr;
        if (made) {
            place.parent->children[place.name] = world_->make_node(true, 0700);
            place.parent->durable_children[place.name] = place.parent->children[place.name];
        } else if (!place.node->is_folder) {
            return fail(ErrorKind::exists, "make folder", path, "something else has that name");
        }
        if (end != std::string::npos && path.find_first_not_of('/', end) == std::string::npos) break;  // only slashes left
    }
    return made;
}

Result<void> MemoryFileSystem::remove_folder(const std::string& path) {
    const std::lock_guard guard(world_->mutex);
    STASIS_TRY(auto place, world_->find("remove folder", path));
    if (!place.node->is_folder) return fail_errno(ENOTDIR, "remove folder", path);
    if (!place.node->children.empty() || place.parent == nullptr)
        return fail(ErrorKind::busy, "remove folder", path, "it is not empty");
    remove_entry(*world_, place);
    return {};
}

Result<void> MemoryFileSystem::remove_file(const std::string& path) {
    const std::lock_guard guard(world_->mutex);
    STASIS_TRY(auto place, world_->find("remove", path));
    if (place.node->is_folder) return fail_errno(EISDIR, "remove", path);
    remove_entry(*world_, place);
    return {};
}

Result<void> MemoryFileSystem::rename(const std::string& from_path, const std::string& to_path) {
    const std::lock_guard guard(world_->mutex);
    const auto attempted = "rename " + from_path + " to";
    STASIS_TRY(auto from, world_->find("rename", from_path));
    STASIS_TRY(auto to, world_->walk(attempted, to_path));
    if (from.node == to.node) return {};
    if (from.parent == nullptr || to.parent == nullptr || (to_path + "/").starts_with(from_path + "/"))
        return fail_errno(EINVAL, attempted, to_path);
    STASIS_CHECK(check_replaceable(from, to, attempted, to_path));
    if (to.node != nullptr) remove_entry(*world_, to);
    from.parent->children.erase(from.name);
    to.parent->children[to.name] = from.node;
    world_->touch(*from.parent);
    world_->touch(*to.parent);
    return {};
}

Result<void> MemoryFileSystem::sync_folder(const std::string& path) {
    const std::lock_guard guard(world_->mutex);
    STASIS_TRY(const auto place, world_->find("sync folder", path));
    if (!place.node->is_folder) return fail_errno(ENOTDIR, "sync folder", path);
    place.node->durable_children = place.node->children;
    return {};
}

Result<std::vector<std::string>> MemoryFileSystem::list_folder(const std::string& path) {
    const std::lock_guard guard(world_->mutex);
    STASIS_TRY(const auto place, world_->find("list", path));
    if (!place.node->is_folder) return fail_errno(ENOTDIR, "list", path);
    std::vector<std::string> names;
    for (const auto& [name, child] : place.node->children) names.push_back(name);
    return names;
}

Result<std::uint64_t> MemoryFileSystem::free_bytes(const std::string& path) {
    const std::lock_guard guard(world_->mutex);
    if (path.empty() || path[0] != '/')
        return fail(ErrorKind::invalid, "get free space of", path, "the path is not absolute");
    return world_->capacity - std::min(world_->used, world_->capacity);
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::lock(const std::string& path, const std::string& holder,
                                                         std::chrono::milliseconds wait) {
    std::unique_lock guard(world_->mutex);
    STASIS_TRY(auto place, world_->walk("lock", path));
    if (place.node == nullptr) {
        place.node = world_->make_node(false, 0600);
        place.parent->children[place.name] = place.node;
    }
    if (place.node->is_folder) return fail_errno(EISDIR, "lock", path);
    const auto is_free = [&] { return !world_->locked.contains(place.node.get()); };
    if (!world_->unlocked.wait_for(guard, wait, is_free))
        return fail(ErrorKind::busy, "lock", path, fmt::format("held by '{}'", place.node->data),
                    "wait for it to end, or end it, and try again");
    const auto number = ++world_->last_lock;
    world_->locked[place.node.get()] = number;
    place.node->data = holder;
    return std::make_unique<MemoryLock>(world_, place.node, number);
}

void MemoryFileSystem::put(const std::string& path, std::string_view content, std::uint32_t mode) {
    const auto folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    if (!make_folders(folder)) __builtin_trap();
    const std::lock_guard guard(world_->mutex);
    auto place = world_->walk("put", path);
    if (!place || place->parent == nullptr) __builtin_trap();
    if (place->node != nullptr) remove_entry(*world_, *place);
    auto node = world_->make_node(false, mode);
    if (!world_->write(*node, path, 0, std::as_bytes(std::span(content)))) __builtin_trap();
    node->durable_data = node->data;
    place->parent->children[place->name] = node;
    place->parent->durable_children[place->name] = node;
}

std::string MemoryFileSystem::content(const std::string& path) const {
    const std::lock_guard guard(world_->mutex);
    const auto place = world_->find("read", path);
    if (!place || place->node->is_folder) __builtin_trap();
    return place->node->data;
}

std::vector<std::string> MemoryFileSystem::tree() const {
    const std::lock_guard guard(world_->mutex);
    std::vector<std::string> lines;
    add_tree(lines, "/", *world_->root);
    std::ranges::sort(lines);
    return lines;
}

void MemoryFileSystem::set_capacity(std::uint64_t bytes) {
    const std::lock_guard guard(world_->mutex);
    world_->capacity = bytes;
}

void MemoryFileSystem::lose_power() {
    const std::lock_guard guard(world_->mutex);
    world_->lose_power();
}

}  // namespace stasis::seam
