// Files as Stasis needs them: private, complete, never through a symlink that was planted. Paths are absolute.
// Bodies: posix/ and testing/ (in memory, and faulty: forgets what was not synced). Handles: one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace stasis::seam {

/// An open file. Destroying it closes it.
class File {
public:
    virtual ~File() = default;
    /// Reads up to buffer.size() bytes at offset; fewer only at end of file. Returns the count.
    virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> buffer) = 0;
    /// Writes all of it, or fails.
    virtual Result<void> write_at(std::uint64_t offset, std::span<const std::byte> data) = 0;
    virtual Result<void> sync() = 0;
    [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
};

struct FileStat {
    bool is_file = false;
    bool is_folder = false;
    bool is_block_device = false;
    std::uint64_t size_bytes = 0;       ///< of a block device: its capacity
    std::uint64_t allocated_bytes = 0;
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0;
    std::uint32_t mode = 0;             ///< permission bits
    std::uint32_t owner = 0;
};

/// A kernel lock, held until destroyed (or until the process dies).
class FileLock {
public:
    virtual ~FileLock() = default;
};

class FileSystem {
public:
    virtual ~FileSystem() = default;
    virtual Result<std::unique_ptr<File>> open_read(const std::string& path) = 0;
    /// Creates exclusively, mode 0600, no symlink followed in the last part. exists when taken.
    virtual Result<std::unique_ptr<File>> create(const std::string& path) = 0;
    virtual Result<FileStat> stat(const std::string& path) = 0;                   ///< not_found; follows symlinks
    virtual Result<bool> exists(const std::string& path) = 0;                     ///< whether the name is taken, even by a dangling symlink
    /// Mode 0700, durable when it returns (parents of what was made are synced). Whether the last was made now.
    virtual Result<bool> make_folders(const std::string& path) = 0;
    virtual Result<void> remove_folder(const std::string& path) = 0;              ///< busy when it is not empty
    virtual Result<void> remove_file(const std::string& path) = 0;
    virtual Result<void> rename(const std::string& from, const std::string& to) = 0;  ///< replaces
    virtual Result<void> sync_folder(const std::string& path) = 0;
    virtual Result<std::vector<std::string>> list_folder(const std::string& path) = 0;
    virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;        ///< of the nearest existing parent
    /// Takes the exclusive kernel lock of `path` (made when missing) and writes `holder`, the command, into it for others
    /// to read; the real body adds process id and time. Waits up to `wait`; then busy, naming the holder.
    virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path, const std::string& holder,
                                                   std::chrono::milliseconds wait) = 0;
};

/// Whole file, up to `limit` bytes; invalid when it is longer.
Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t limit_bytes);
/// Temporary name, sync, rename, sync of the folder.
Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view content);

}  // namespace stasis::seam
