#include "engine/test_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "engine/test_catalog.h"

namespace stasis::engine::testing {
namespace {

class TestSession final : public port::CaptureSession {
public:
    TestSession(TestHost& host, std::string path, int memory) : host_(host), path_(std::move(path)), memory_(memory) {}
    ~TestSession() override {
        if (!host_.dead && !path_.empty()) host_.files.erase(path_ + ".part");
    }
    Result<port::CaptureReport> finish(ProgressSink*, const CancelToken*) override {
        STASIS_CHECK(host_.effect("finish", false, [&]() -> Result<void> {
            if (path_.empty()) return {};
            host_.files.erase(path_ + ".part");
            host_.files[path_] = std::to_string(memory_);
            return {};
        }));
        return port::CaptureReport{1234, path_.empty() ? MemoryMethod::none : MemoryMethod::background, 77, 88};
    }

private:
    TestHost& host_;
    std::string path_;
    int memory_;
};

}  // namespace

TestHost::TestHost() : catalog_(*catalog::Catalog::open(":memory:")), faulty_(make_faulty(*catalog_, *this)) {}
TestHost::~TestHost() = default;
EngineParts TestHost::parts() { return {{*this, *this, *this, *this, *this}, *faulty_, [] { return UnixMicros{1}; }}; }
catalog::Catalog& TestHost::catalog() { return *faulty_; }

void TestHost::revive() {
    kill_at = fail_at = fail_catalog_at = ticks_ = effects_ = 0;
    dead = fail_late = fail_on = false;
    fail_names.clear();
    switched_ = nullptr;
}

void TestHost::guests_die() {
    for (auto& [generation, guest] : guests) guest.state = DomainState::shut_off;
}

void TestHost::guests_work() {
    for (auto& [generation, guest] : guests) {
        if (guest.state != DomainState::running || guest.parked) continue;
        guest.memory = ++counter;
        for (auto& [target, image] : guest.disks) images.at(image.path).blocks[0] = counter;
    }
}

void TestHost::tick() {
    if (dead || kill_at == 0 || ++ticks_ < kill_at) return;
    dead = true;
    throw Killed{};
}

Result<void> TestHost::effect(const std::string& name, bool may_fail_late, const std::function<Result<void>()>& body) {
    log.push_back(name);
    tick();
    const bool counted = fail_at != 0 && (++effects_ == fail_at || (fail_on && effects_ > fail_at));
    const bool fails = counted || fail_names.contains(name);
    if (!fails || (fail_late && may_fail_late)) STASIS_CHECK(body());
    guests_work();
    tick();
    if (fails) return fail(ErrorKind::no_space, name, {}, "made to fail");
    return {};
}

int TestHost::read(const std::string& path, int block) const {
    const TestImage& image = images.at(path);
    if (const auto found = image.blocks.find(block); found != image.blocks.end()) return found->second;
    return image.backing.empty() ? 0 : read(image.backing, block);
}

Result<TestGuest*> TestHost::alive(const model::GuestRef& guest) {
    const auto found = guests.find(guest.generation);
    if (found == guests.end() || found->second.state == DomainState::shut_off)
        return fail(ErrorKind::not_found, "reach the guest", {}, "there is no such process");
    return &found->second;
}

Result<TestGuest*> TestHost::with_images(const model::GuestRef& guest) {
    STASIS_TRY(TestGuest* found, alive(guest));
    if (found->without_images) return fail(ErrorKind::failed, "reach the images", {}, "the guest has given them up");
    if (!found->merging.empty()) return fail(ErrorKind::busy, "reach the images", {}, "a merge goes on");
    return found;
}

// ---- Lifecycle ----
Result<model::GuestProcess> TestHost::launch(const port::LaunchRequest& request) {
    STASIS_CHECK(effect("launch", false, [&]() -> Result<void> {
        for (const auto& [generation, other] : guests)
            if (other.state != DomainState::shut_off && !other.parked) return fail(ErrorKind::busy, "launch", {}, "images are locked");
        TestGuest guest;
        for (const model::AttachedDisk& disk : request.disks) guest.disks[disk.target] = disk.chain.front();
        if (!request.await_memory && !guest.disks.empty()) guest.memory = read(guest.disks.begin()->second.path, 0);  // it boots
        guests[request.guest.generation] = guest;
        return {};
    }));
    return model::GuestProcess{request.guest.generation, 1000 + request.guest.generation, 5};
}

Result<model::GuestStatus> TestHost::status(const model::GuestRef& guest) {
    const auto found = guests.find(guest.generation);
    model::GuestStatus status;
    if (found != guests.end()) status.state = found->second.state;
    return status;
}

Result<void> TestHost::pause(const model::GuestRef& guest) {
    return effect("pause", true, [&]() -> Result<void> {
        STASIS_TRY(TestGuest* found, alive(guest));
        if (found->state != DomainState::crashed) found->state = DomainState::paused;
        found->parked = found->without_images = false;
        return {};
    });
}

Result<UnixMicros> TestHost::resume(const model::GuestRef& guest) {
    STASIS_CHECK(effect("resume", true, [&]() -> Result<void> {
        STASIS_TRY(TestGuest* found, alive(guest));
        if (found->state == DomainState::crashed) return fail(ErrorKind::failed, "resume", {}, "it crashed");
        found->state = DomainState::running;
        found->parked = found->without_images = false;
        return {};
    }));
    return UnixMicros{42};
}

Result<void> TestHost::park(const model::GuestRef& guest) {
    return effect("park", true, [&]() -> Result<void> {
        STASIS_TRY(TestGuest* found, with_images(guest));
        found->state = DomainState::paused;
        found->parked = true;
        return {};
    });
}

Result<port::RestoreReport> TestHost::load_memory(const model::GuestRef& guest, const std::string& path, ProgressSink*,
                                                  const CancelToken*) {
    STASIS_CHECK(effect("load_memory", true, [&]() -> Result<void> {
        STASIS_TRY(TestGuest* found, alive(guest));
        found->memory = std::stoi(files.at(path));
        return {};
    }));
    return port::RestoreReport{88};
}

Result<void> TestHost::request_shutdown(const model::GuestRef&) {
    return effect("request_shutdown", true, [] { return Result<void>{}; });
}

Result<void> TestHost::kill(const model::GuestRef& guest) {
    return effect("kill", true, [&]() -> Result<void> {
        if (const auto found = guests.find(guest.generation); found != guests.end()) found->second.state = DomainState::shut_off;
        return {};
    });
}

Result<std::string> TestHost::resolve_machine(const std::string&, const std::string&, const std::string&) { return "pc"; }

// ---- InstantCapture ----
Result<model::MemoryAbility> TestHost::memory_ability(const model::GuestRef&) { return model::MemoryAbility{}; }

Result<void> TestHost::open_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) {
    return effect("open_overlays", true, [&]() -> Result<void> {
        STASIS_TRY(TestGuest* found, alive(guest));
        for (const model::Overlay& overlay : overlays) found->opened[overlay.image.id.value] = overlay.image;
        return {};
    });
}

Result<void> TestHost::close_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) {
    return effect("close_overlays", true, [&]() -> Result<void> {
        if (const auto found = alive(guest))
            for (const model::Overlay& overlay : overlays) (*found)->opened.erase(overlay.image.id.value);
        return {};
    });
}

Result<std::unique_ptr<port::CaptureSession>> TestHost::capture(const port::CaptureRequest& request) {
    int memory = 0;
    STASIS_CHECK(effect("capture", false, [&]() -> Result<void> {
        STASIS_TRY(TestGuest* found, with_images(request.guest));
        memory = found->memory;
        for (const model::DiskCapture& disk : request.disks) {
            if (disk.mode == DiskMode::external) found->disks.at(disk.target) = found->opened.at(disk.overlay.value);
            TestImage& image = images.at(found->disks.at(disk.target).path);
            if (disk.mode == DiskMode::internal) image.internals[disk.internal_name] = image.blocks;
        }
        if (request.memory) files[request.memory->path + ".part"] = "half";
        return {};
    }));
    return std::make_unique<TestSession>(*this, request.memory ? request.memory->path : std::string(), memory);
}

Result<void> TestHost::abandon(const model::GuestRef&) {
    return effect("abandon", true, [] { return Result<void>{}; });
}

// ---- BlockGraph ----
Result<model::ActiveLayers> TestHost::active_layers(const model::GuestRef& guest) {
    STASIS_TRY(TestGuest* found, alive(guest));
    model::ActiveLayers layers;
    for (const auto& [target, image] : found->disks) layers[target] = image.id;
    return layers;
}

Result<void> TestHost::switch_to_base(TestGuest& guest, const DiskTarget& target, model::ImageId top, model::ImageId base) {
    model::ChainImage& active = guest.disks.at(target);
    if (active.id == base) return {};
    if (active.id != top) return fail(ErrorKind::invalid, "merge", {}, "not the active layer");
    const std::string below = images.at(active.path).backing;
    STASIS_CHECK(fold(active.path, below));
    const DomainState was = guest.state;
    guest.state = DomainState::paused;  // held over the switch
    active = {base, below, model::ImageFormat::qcow2};
    if (switched_) STASIS_CHECK(switched_());  // a call that fails leaves it held
    guest.state = was;
    return {};
}

/// A tool that dies here leaves the merge going on.
Result<void> TestHost::merge_down(const model::GuestRef& guest, const DiskTarget& target, model::ImageId top,
                                  model::ImageId base, ProgressSink*, const CancelToken*) {
    STASIS_TRY(TestGuest* found, with_images(guest));
    found->merging.insert(target);
    auto merged = effect("merge_online", false, [&] { return switch_to_base(*found, target, top, base); });
    found->merging.clear();
    return merged;
}

Result<void> TestHost::abandon_merge(const model::GuestRef& guest, const DiskTarget& target) {
    return effect("abandon_merge", true, [&]() -> Result<void> {
        if (const auto found = alive(guest)) (*found)->merging.erase(target);
        return {};
    });
}

Result<void> TestHost::delete_internal(const model::GuestRef& guest, const DiskTarget& target, model::ImageId,
                                       const std::string& name) {
    return effect("delete_internal_online", true, [&]() -> Result<void> {
        STASIS_TRY(TestGuest* found, with_images(guest));
        images.at(found->disks.at(target).path).internals.erase(name);
        return {};
    });
}

// ---- Volume ----
Result<model::ImageFacts> TestHost::inspect(const std::string& path, model::ImageFormat) {
    const auto found = images.find(path);
    if (found == images.end()) return fail(ErrorKind::not_found, "inspect", path, "no such image");
    model::ImageFacts facts;
    facts.backing_path = found->second.backing;
    for (const auto& [name, blocks] : found->second.internals) facts.internal_snapshots.push_back(name);
    facts.fingerprint.size_bytes = path.size();
    return facts;
}

Result<void> TestHost::create_overlay(const port::NewOverlay& overlay) {
    return effect("create_overlay", true, [&]() -> Result<void> {
        if (images.contains(overlay.path)) return fail(ErrorKind::exists, "create", overlay.path, "taken");
        images[overlay.path].backing = overlay.backing_path;
        return {};
    });
}

Result<void> TestHost::create_internal(const std::string& path, const std::string& name) {
    return effect("create_internal", true, [&]() -> Result<void> {
        TestImage& image = images.at(path);
        if (!image.internals.emplace(name, image.blocks).second) return fail(ErrorKind::exists, "create", name, "taken");
        return {};
    });
}

Result<void> TestHost::apply_internal(const std::string& path, const std::string& name) {
    return effect("apply_internal", true, [&]() -> Result<void> {
        TestImage& image = images.at(path);
        if (!image.internals.contains(name)) return fail(ErrorKind::not_found, "apply", name, "missing");
        image.blocks = image.internals.at(name);
        return {};
    });
}

Result<void> TestHost::delete_internal(const std::string& path, const std::string& name) {
    return effect("delete_internal", true, [&]() -> Result<void> {
        images.at(path).internals.erase(name);
        return {};
    });
}

Result<void> TestHost::fold(const std::string& top, const std::string& base) {
    for (const auto& [block, value] : images.at(top).blocks) images.at(base).blocks[block] = value;
    return {};
}

Result<void> TestHost::merge_down(const std::vector<model::Image>& chain, ProgressSink*, const CancelToken*) {
    return effect("merge_offline", false, [&]() -> Result<void> {
        for (std::size_t i = chain.size() - 1; i-- > 0;) STASIS_CHECK(fold(chain[i].path, chain.back().path));
        return {};
    });
}

// ---- StateFiles ----
Result<bool> TestHost::make_folder(const std::string& path) {
    bool made = false;
    STASIS_CHECK(effect("make_folder", true, [&]() -> Result<void> {
        made = folders.insert(path).second;
        return {};
    }));
    return made;
}

Result<void> TestHost::remove_folder(const std::string& path) {
    return effect("remove_folder", true, [&]() -> Result<void> {
        const auto inside = [&](const auto& entry) { return entry.first.starts_with(path + "/"); };
        if (std::ranges::none_of(images, inside) && std::ranges::none_of(files, inside)) folders.erase(path);
        return {};
    });
}

Result<void> TestHost::remove_file(const std::string& path) {
    return effect("remove " + path, true, [&]() -> Result<void> {
        files.erase(path);
        images.erase(path);
        return {};
    });
}

Result<void> TestHost::copy_file(const std::string& from, const std::string& to) {
    return effect("copy_file", true, [&]() -> Result<void> {
        if (!files.contains(from)) return fail(ErrorKind::not_found, "copy", from, "missing");
        files[to] = files.at(from);
        return {};
    });
}

Result<bool> TestHost::exists(const std::string& path) {
    return files.contains(path) || images.contains(path) || folders.contains(path);
}

// ---- what tests ask ----
std::string TestHost::structure(bool with_guests) {
    std::ostringstream text;
    for (const auto& [path, image] : images) {
        text << path << " on " << image.backing;
        for (const auto& [name, blocks] : image.internals) text << " #" << name;
        text << '\n';
    }
    for (const auto& [path, content] : files) text << path << '\n';
    for (const std::string& path : folders) text << path << "/\n";
    for (const auto& [generation, guest] : guests) {
        if (!with_guests || guest.state == DomainState::shut_off) continue;
        text << "guest " << generation << ' ' << to_string(guest.state) << (guest.parked ? " parked" : "");
        for (const auto& [target, image] : guest.disks) text << ' ' << target.str() << '=' << image.path;
        for (const DiskTarget& target : guest.merging) text << " merging " << target.str();
        text << '\n';
    }
    return text.str() + catalog_text(*catalog_);
}

std::string TestHost::lost_writes() {
    const auto domains = *catalog_->domains();
    for (const auto& summary : domains) {
        const auto record = *catalog_->domain(summary.uuid.str());
        if (!record.process) continue;
        const auto guest = guests.find(record.process->generation);
        if (guest == guests.end()) return "the recorded guest never was";
        for (const auto& [target, id] : record.active) {
            const model::Image* image = record.images.find(id);
            if (!image || !images.contains(image->path)) return "the active image of " + target.str() + " is gone";
            if (guest->second.state != DomainState::shut_off && guest->second.disks.at(target).path != image->path)
                return "guest and catalog disagree on " + target.str();
            if (read(image->path, 0) != guest->second.memory)
                return target.str() + ": the guest wrote " + std::to_string(guest->second.memory) + ", the disk has " +
                       std::to_string(read(image->path, 0));
        }
    }
    return {};
}

}  // namespace stasis::engine::testing
