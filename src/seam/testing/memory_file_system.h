// A file system in memory, with permission bits and a memory of what was synced: the twin of seam/posix for tests.
// Handles share ownership of the files they have open. Any thread, unlike the real handles.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "seam/file_system.h"

namespace stasis::seam {

class MemoryFileSystem final : public FileSystem {
public:
    MemoryFileSystem();
    ~MemoryFileSystem() override;

    Result<std::unique_ptr<File>> open_read(const std::string& path) override;
    Result<std::unique_ptr<File>> create(const std::string& path) override;
    Result<FileStat> stat(const std::string& path) override;
    Result<bool> exists(const std::string& path) override;
    Result<bool> make_folders(const std::string& path) override;
    Result<void> remove_folder(const std::string& path) override;
    Result<void> remove_file(const std::string& path) override;
    Result<void> rename(const std::string& from, const std::string& to) override;
    Result<void> sync_folder(const std::string& path) override;
    Result<std::vector<std::string>> list_folder(const std::string& path) override;
    Result<std::uint64_t> free_bytes(const std::string& path) override;
    Result<std::unique_ptr<FileLock>> lock(const std::string& path, const std::string& holder,
                                           std::chrono::milliseconds wait) override;

    // For tests.

    /// Makes or replaces a file with its folders, all durable; traps when a file stands where a folder is needed.
    void put(const std::string& path, std::string_view content, std::uint32_t mode = 0600);
    /// What `path` holds now; traps when there is no such file.
    [[nodiscard]] std::string content(const std::string& path) const;
    /// Every file and folder below `/`, sorted, folders with a '/' at the end.
    [[nodiscard]] std::vector<std::string> tree() const;
    /// The space that all files share.
    void set_capacity(std::uint64_t bytes);
    /// As after a power failure: file contents and folder entries that were not synced are as they were at their last
    /// sync; all locks are gone. Handles stay open but see what is left.
    void lose_power();

    struct World;

private:
    std::shared_ptr<World> world_;
};

}  // namespace stasis::seam
