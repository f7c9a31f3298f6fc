// The world in memory of hypervisor/fake.
#include "hypervisor/fake/driver.h"
#include "subject.h"

namespace stasis::conformance {
namespace {

class FakeStorage final : public StorageSubject {
public:
    explicit FakeStorage(fake::FakeDriver& driver) : driver_(driver), ports_(driver.ports()) {
        (void)ports_.files.make_folder("/conformance");
    }
    port::Volume& volume() override { return ports_.volume; }
    port::StateFiles& files() override { return ports_.files; }
    [[nodiscard]] std::string path(const std::string& name) const override { return "/conformance/" + name; }
    bool make_image(const std::string& path, model::ImageFormat format) override {
        return driver_.add_image(path, {.format = format, .virtual_bytes = kDiskBytes}).has_value();
    }
    bool write(const std::string& path, model::ImageFormat format, std::uint64_t cluster, unsigned value) override {
        return driver_.image_write(path, format, cluster, value).has_value();
    }
    bool holds(const std::string& path, model::ImageFormat, std::uint64_t cluster, unsigned value) override {
        const auto held = driver_.image_read(path, cluster);
        return held && *held == value;
    }
    bool put_file(const std::string& path, const std::string& text) override { return driver_.put_file(path, text).has_value(); }
    std::optional<std::string> file_text(const std::string& path) override {
        const auto world = driver_.world();
        const auto found = world->files.find(path);
        return found == world->files.end() ? std::nullopt : std::optional(found->second);
    }

private:
    fake::FakeDriver& driver_;
    port::Ports ports_;
};

class OwningFakeStorage final : public StorageSubject {
public:
    port::Volume& volume() override { return storage_.volume(); }
    port::StateFiles& files() override { return storage_.files(); }
    [[nodiscard]] std::string path(const std::string& name) const override { return storage_.path(name); }
    bool make_image(const std::string& path, model::ImageFormat format) override { return storage_.make_image(path, format); }
    bool write(const std::string& path, model::ImageFormat format, std::uint64_t cluster, unsigned value) override {
        return storage_.write(path, format, cluster, value);
    }
    bool holds(const std::string& path, model::ImageFormat format, std::uint64_t cluster, unsigned value) override {
        return storage_.holds(path, format, cluster, value);
    }
    bool put_file(const std::string& path, const std::string& text) override { return storage_.put_file(path, text); }
    std::optional<std::string> file_text(const std::string& path) override { return storage_.file_text(path); }

private:
    fake::FakeDriver driver_;
    FakeStorage storage_{driver_};
};

class FakeGuests final : public GuestSubject {
public:
    port::Ports ports() override { return driver_.ports(); }
    StorageSubject& storage() override { return storage_; }
    model::Domain definition(const model::GuestRef&) override {
        return {.name = *DomainName::parse("conformance"), .memory_bytes = 64u << 20};
    }
    bool guest_write(const model::GuestRef& guest, const DiskTarget& target, std::uint64_t cluster, unsigned value) override {
        return driver_.guest_write(guest, target, cluster, value).has_value();
    }
    std::optional<std::uint64_t> nonce(const model::GuestRef& guest) override {
        const auto memory = driver_.guest_memory(guest);
        return memory ? std::optional(memory->nonce) : std::nullopt;
    }

private:
    fake::FakeDriver driver_;
    FakeStorage storage_{driver_};
};

}  // namespace

std::unique_ptr<StorageSubject> make_storage() { return std::make_unique<OwningFakeStorage>(); }
std::unique_ptr<GuestSubject> make_guests() { return std::make_unique<FakeGuests>(); }

}  // namespace stasis::conformance
