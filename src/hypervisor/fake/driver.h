// The driver behind fake:///: a whole host in memory, or in one JSON file so that several commands can follow each other.
// It ships, so that the tool and everything built on it can be tried and tested without a hypervisor. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "hypervisor/fake/ports.h"

namespace stasis::fake {

class FakeDriver {
public:
    using Now = std::function<UnixMicros()>;
    /// In memory. Without `now`, times are small numbers that only grow.
    explicit FakeDriver(Now now = {});
    /// Kept in the file `path`. `files` must outlive the driver.
    static Result<std::unique_ptr<FakeDriver>> open(seam::FileSystem& files, const std::string& path, Now now = {});
    FakeDriver(const FakeDriver&) = delete;
    FakeDriver& operator=(const FakeDriver&) = delete;

    [[nodiscard]] port::Ports ports() { return {lifecycle_, capture_, blocks_, volume_, files_}; }

    // For tests: what a guest does by itself, and what happens to a host.
    /// One step of a running guest: its counter grows and is written to cluster 0 of each writable disk.
    Result<void> tick(const model::GuestRef& guest);
    /// Writes into the active layer, as a running guest; failed when it is not running, denied on a read-only disk.
    Result<void> guest_write(const model::GuestRef& guest, const DiskTarget& target, std::uint64_t cluster, std::uint64_t value);
    Result<std::uint64_t> guest_read(const model::GuestRef& guest, const DiskTarget& target, std::uint64_t cluster);
    Result<void> guest_write_memory(const model::GuestRef& guest, std::uint64_t page, std::uint64_t value);
    Result<Memory> guest_memory(const model::GuestRef& guest);
    /// What the image shows through its backing images, whoever has it open.
    Result<std::uint64_t> image_read(const std::string& path, std::uint64_t cluster);
    Result<void> image_write(const std::string& path, model::ImageFormat format, std::uint64_t cluster, std::uint64_t value);
    Result<void> add_image(const std::string& path, Image image);
    Result<void> put_file(const std::string& path, const std::string& content);
    /// From now on there is no such image, file or folder.
    Result<void> remove_path(const std::string& path);
    /// The process dies by itself.
    Result<void> guest_dies(const model::GuestRef& guest);
    /// Any other change of the world: free space, deafness, what memory allows.
    Result<void> edit(const std::function<void(World&)>& edit);
    Result<World> world();

private:
    FakeDriver(std::unique_ptr<WorldStore> store, Now now);
    std::unique_ptr<WorldStore> store_;
    FakeLifecycle lifecycle_;
    FakeCapture capture_;
    FakeBlockGraph blocks_;
    FakeVolume volume_;
    FakeStateFiles files_;
};

}  // namespace stasis::fake
