// Plain files and folders of a snapshot on real file systems: private, complete, and durable on return. One thread.
#pragma once

#include "port/volume.h"
#include "seam/file_system.h"

namespace stasis::storage {

class PlainStateFiles final : public port::StateFiles {
public:
    explicit PlainStateFiles(seam::FileSystem& files) : files_(files) {}
    Result<bool> make_folder(const std::string& path) override;
    Result<void> remove_folder(const std::string& path) override;
    Result<void> remove_file(const std::string& path) override;
    /// Replaces `to` if it is there, so that an interrupted copy can be done again.
    Result<void> copy_file(const std::string& from, const std::string& to) override;
    Result<bool> exists(const std::string& path) override;
    Result<std::uint64_t> free_bytes(const std::string& folder) override;

private:
    seam::FileSystem& files_;
};

}  // namespace stasis::storage
