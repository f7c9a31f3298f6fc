// What the conformance suites need of a body of the ports: the ports, a place for files, and a way to look at content
// that does not go through the ports. One program per body links one definition of make_storage() or make_guests().
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "model/domain.h"
#include "port/ports.h"

namespace stasis::conformance {

inline constexpr std::uint64_t kDiskBytes = 8u << 20;

/// Images and files in an empty folder of their own.
class StorageSubject {
public:
    virtual ~StorageSubject() = default;
    virtual port::Volume& volume() = 0;
    virtual port::StateFiles& files() = 0;
    [[nodiscard]] virtual std::string path(const std::string& name) const = 0;
    virtual bool make_image(const std::string& path, model::ImageFormat format) = 0;  ///< of kDiskBytes
    /// Fills one cluster of 64 KiB with a value from 1 to 255, or compares; 0: never written.
    virtual bool write(const std::string& path, model::ImageFormat format, std::uint64_t cluster, unsigned value) = 0;
    virtual bool holds(const std::string& path, model::ImageFormat format, std::uint64_t cluster, unsigned value) = 0;
    virtual bool put_file(const std::string& path, const std::string& text) = 0;
    virtual std::optional<std::string> file_text(const std::string& path) = 0;
};

/// A hypervisor and the storage that its guests use.
class GuestSubject {
public:
    virtual ~GuestSubject() = default;
    virtual port::Ports ports() = 0;
    virtual StorageSubject& storage() = 0;
    /// A definition without disks that starts; small. Called once a launch.
    virtual model::Domain definition(const model::GuestRef& guest) = 0;
    /// Whether guest_write() works; where it can't, content is not looked at.
    [[nodiscard]] virtual bool can_write() const { return true; }
    /// The guest writes to its disk while it runs.
    virtual bool guest_write(const model::GuestRef& guest, const DiskTarget& target, std::uint64_t cluster, unsigned value) = 0;
    /// Something that lives in guest memory only, and differs between starts; none when it can't be seen.
    virtual std::optional<std::uint64_t> nonce(const model::GuestRef& guest) = 0;
};

std::unique_ptr<StorageSubject> make_storage();
std::unique_ptr<GuestSubject> make_guests();

}  // namespace stasis::conformance
