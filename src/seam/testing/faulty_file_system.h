// A wrapper around any FileSystem that makes things go wrong on purpose: the nth operation fails, space runs out in the
// middle of a write, or the power goes at operation n. Every call on the file system or on a handle of it is one
// operation. Does not own what it wraps; handles may outlive the wrapper. Any thread that the wrapped one allows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "seam/file_system.h"

namespace stasis::seam {

class FaultyFileSystem final : public FileSystem {
public:
    explicit FaultyFileSystem(FileSystem& inner);
    ~FaultyFileSystem() override;

    /// Operation `number` (the first is 1, counted from the wrapper's making) fails with `kind` and has no effect.
    void fail_at(std::uint64_t number, ErrorKind kind);
    /// Operation `number` and all after it fail and have no effect, as if this process were dead: so does every cleanup.
    /// Then call MemoryFileSystem::lose_power() on what is wrapped and go on with a fresh wrapper.
    void cut_power_at(std::uint64_t number);
    /// After `bytes` more have been written, a write stores what fits and fails with no_space.
    void limit_space(std::uint64_t bytes);
    /// What was called so far: "create /a", "write /a", "sync /a", "rename /a /b", ...
    [[nodiscard]] std::vector<std::string> operations() const;

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

    struct Faults;

private:
    FileSystem& inner_;
    std::shared_ptr<Faults> faults_;
};

}  // namespace stasis::seam
