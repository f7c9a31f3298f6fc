#include "seam/testing/memory_tree.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/checked.h"

namespace stasis::seam {

namespace {

// "/a//b/" is a, b. ".." is refused: nothing of ours should ever contain it.
Result<std::vector<std::string>> parts_of(const std::string& attempted, const std::string& path) {
    if (path.empty() || path[0] != '/') return fail(ErrorKind::invalid, attempted, path, "the path is not absolute");
    if (path.find('\0') != std::string::npos)
        return fail(ErrorKind::invalid, attempted, path, "the path contains a NUL byte");
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        const auto part = path.substr(at, end - at);
        if (part == "..") return fail(ErrorKind::invalid, attempted, path, "the path contains '..'");
        if (!part.empty() && part != ".") parts.push_back(part);
        at = end + 1;
    }
    return parts;
}

void forget_unsynced(MemoryNode& node) {
    node.data = node.durable_data;
    node.children = node.durable_children;
    for (auto& [name, child] : node.children) forget_unsynced(*child);
}

std::uint64_t bytes_below(const MemoryNode& node) {
    std::uint64_t sum = node.data.size();
    for (const auto& [name, child] : node.children) sum += bytes_below(*child);
    return sum;
}

class MemoryFile final : public File {
public:
    MemoryFile(std::shared_ptr<MemoryFileSystem::World> world, MemoryNodePtr node, std::string path, bool writable)
        : world_(std::move(world)), node_(std::move(node)), path_(std::move(path)), writable_(writable) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> buffer) override {
        const std::lock_guard guard(world_->mutex);
        if (offset >= node_->data.size()) return std::size_t{0};
        const auto count = std::min<std::uint64_t>(buffer.size(), node_->data.size() - offset);
        std::memcpy(buffer.data(), node_->data.data() + offset, count);
        return static_cast<std::size_t>(count);
    }

    Result<void> write_at(std::uint64_t offset, std::span<const std::byte> data) override {
        const std::lock_guard guard(world_->mutex);
        if (!writable_) return fail_errno(EBADF, "write", path_);
        return world_->write(*node_, path_, offset, data);
    }

    Result<void> sync() override {
        const std::lock_guard guard(world_->mutex);
        node_->durable_data = node_->data;
        return {};
    }

    Result<std::uint64_t> size() override {
        const std::lock_guard guard(world_->mutex);
        return std::uint64_t{node_->data.size()};
    }

private:
    std::shared_ptr<MemoryFileSystem::World> world_;
    MemoryNodePtr node_;
    std::string path_;
    bool writable_;
};

}  // namespace

MemoryFileSystem::World::World() : root(make_node(true, 0755)) {}

MemoryNodePtr MemoryFileSystem::World::make_node(bool is_folder, std::uint32_t mode) {
    auto node = std::make_shared<MemoryNode>();
    node->is_folder = is_folder;
    node->mode = mode;
    node->inode = ++last_inode;
    touch(*node);
    return node;
}

Result<MemoryPlace> MemoryFileSystem::World::walk(const std::string& attempted, const std::string& path) {
    STASIS_TRY(const auto parts, parts_of(attempted, path));
    MemoryPlace place{nullptr, {}, root};
    for (const auto& part : parts) {
        if (place.node == nullptr) return fail_errno(ENOENT, attempted, path);
        if (!place.node->is_folder) return fail_errno(ENOTDIR, attempted, path);
        const auto found = place.node->children.find(part);
        auto next = found == place.node->children.end() ? nullptr : found->second;
        place = {place.node, part, std::move(next)};
    }
    return place;
}

Result<MemoryPlace> MemoryFileSystem::World::find(const std::string& attempted, const std::string& path) {
    STASIS_TRY(auto place, walk(attempted, path));
    if (place.node == nullptr) return fail_errno(ENOENT, attempted, path);
    return place;
}

Result<void> MemoryFileSystem::World::write(MemoryNode& node, const std::string& path, std::uint64_t offset,
                                            std::span<const std::byte> data) {
    if (data.empty()) return {};
    const auto end = checked_add<std::uint64_t>(offset, data.size());
    if (!end) return fail_errno(EFBIG, "write", path);
    const std::uint64_t size = node.data.size();
    const std::uint64_t end_max = size + (capacity - std::min(used, capacity));
    const auto fits = std::min(*end, std::max(end_max, size));
    if (fits > size) {
        used += fits - size;
        node.data.resize(static_cast<std::size_t>(fits));
    }
    if (fits > offset) std::memcpy(node.data.data() + offset, data.data(), static_cast<std::size_t>(fits - offset));
    touch(node);
    if (fits < *end) return fail_errno(ENOSPC, "write", path);
    return {};
}

void MemoryFileSystem::World::lose_power() {
    forget_unsynced(*root);
    used = bytes_below(*root);
    locked.clear();
    unlocked.notify_all();
}

std::unique_ptr<File> make_memory_file(std::shared_ptr<MemoryFileSystem::World> world, MemoryNodePtr node, std::string path,
                                       bool writable) {
    return std::make_unique<MemoryFile>(std::move(world), std::move(node), std::move(path), writable);
}

}  // namespace stasis::seam
