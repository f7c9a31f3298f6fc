// Nodes and paths of MemoryFileSystem. Owned by its World, whose mutex guards all of it.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "seam/testing/memory_file_system.h"

namespace stasis::seam {

/// A file or a folder, as it is and as it would be after a power failure.
struct MemoryNode {
    using Children = std::map<std::string, std::shared_ptr<MemoryNode>>;

    bool is_folder = false;
    std::uint32_t mode = 0;
    std::uint64_t inode = 0;
    std::int64_t modified_ns = 0;
    std::string data, durable_data;
    Children children, durable_children;
};
using MemoryNodePtr = std::shared_ptr<MemoryNode>;

/// Where a path leads: the folder that holds its last part, and what is there, if anything.
struct MemoryPlace {
    MemoryNodePtr parent;  ///< null for "/" itself
    std::string name;
    MemoryNodePtr node;    ///< null: nothing there
};

struct MemoryFileSystem::World {
    std::mutex mutex;
    std::condition_variable unlocked;
    MemoryNodePtr root;
    std::map<MemoryNode*, std::uint64_t> locked;  ///< by which lock: one from before a power failure frees nothing
    std::uint64_t last_lock = 0;
    std::uint64_t capacity = 1ull << 30;
    std::uint64_t used = 0;
    std::uint64_t last_inode = 0;
    std::int64_t last_change_ns = 0;  ///< a clock that ticks with every change

    World();
    MemoryNodePtr make_node(bool is_folder, std::uint32_t mode);
    /// The errors of the real one: invalid for relative paths, not_found for a missing folder on the way.
    Result<MemoryPlace> walk(const std::string& attempted, const std::string& path);
    /// walk(), and not_found unless something is there.
    Result<MemoryPlace> find(const std::string& attempted, const std::string& path);
    void touch(MemoryNode& node) { node.modified_ns = ++last_change_ns; }
    /// Writes what fits; no_space when that is not all.
    Result<void> write(MemoryNode& node, const std::string& path, std::uint64_t offset, std::span<const std::byte> data);
    void lose_power();
};

/// A handle on an existing node. Keeps the world alive.
std::unique_ptr<File> make_memory_file(std::shared_ptr<MemoryFileSystem::World> world, MemoryNodePtr node, std::string path,
                                       bool writable);

}  // namespace stasis::seam
