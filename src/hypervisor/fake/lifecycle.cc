#include <algorithm>

#include "hypervisor/fake/ports.h"
#include "hypervisor/fake/rules.h"

namespace stasis::fake {
namespace {

constexpr std::int64_t kFirstPid = 4'000'000'000;  ///< no process of a host has such an id
constexpr std::string_view kDefaultMachine = "pc-fake-1.0";

std::string versioned(const std::string& machine) {
    if (machine.empty() || machine == "pc") return std::string(kDefaultMachine);
    if (machine == "q35") return "pc-q35-fake-1.0";
    return machine;
}

std::vector<GuestDisk> disks_of(const port::LaunchRequest& request) {
    std::vector<GuestDisk> disks;
    for (const auto& attached : request.disks) {
        GuestDisk disk{.target = attached.target, .chain = attached.chain};
        const auto defined = std::ranges::find(request.definition.disks, attached.target, &model::Disk::target);
        if (defined != request.definition.disks.end()) {
            disk.read_only = defined->read_only || defined->device == model::DiskDevice::cdrom;
            disk.shareable = defined->shareable;
        }
        disks.push_back(std::move(disk));
    }
    return disks;
}

Result<model::GuestProcess> launch_in(World& world, const port::LaunchRequest& request) {
    constexpr std::string_view kAttempted = "start the guest";
    if (world.guests.contains(request.guest))
        return fail(ErrorKind::exists, std::string(kAttempted), subject_of(request.guest), "it has a process already");
    Guest guest{.awaiting_memory = request.await_memory, .machine = versioned(request.definition.os.machine), .disks = disks_of(request)};
    if (const auto opened = open_disks(world, request.guest, guest.disks); !opened)
        return fail_because(opened.error(), std::string(kAttempted), subject_of(request.guest));
    guest.start_ticks = ++world.sequence;
    guest.pid = kFirstPid + static_cast<std::int64_t>(guest.start_ticks);
    if (!request.await_memory) guest.memory.nonce = 0x9e3779b97f4a7c15u * guest.start_ticks;  // differs at every start
    world.guests[request.guest] = guest;
    return model::GuestProcess{.generation = request.guest.generation, .pid = guest.pid, .start_ticks = guest.start_ticks};
}

Result<void> take_images_back(World& world, const model::GuestRef& ref, Guest& guest, std::string_view attempted) {
    if (!guest.parked) return {};
    guest.parked = false;
    if (const auto opened = open_disks(world, ref, guest.disks); !opened)
        return fail_because(opened.error(), std::string(attempted), subject_of(ref));
    return {};
}

Result<UnixMicros> resume_in(World& world, const model::GuestRef& ref) {
    constexpr std::string_view kAttempted = "run the guest";
    STASIS_TRY(Guest* const guest, find_guest(world, ref, kAttempted));
    if (guest->awaiting_memory)
        return fail(ErrorKind::failed, std::string(kAttempted), subject_of(ref), "it waits for its memory to be loaded");
    STASIS_CHECK(take_images_back(world, ref, *guest, kAttempted));
    guest->state = DomainState::running;
    const UnixMicros now{static_cast<std::int64_t>(++world.sequence)};
    if (guest->shutdown_asked) world.guests.erase(ref);
    return now;
}

Result<port::RestoreReport> load_memory_in(World& world, const model::GuestRef& ref, const std::string& path) {
    const std::string attempted = "load memory from '" + path + "'";
    STASIS_TRY(Guest* const guest, find_guest(world, ref, attempted));
    const auto refuse = [&](ErrorKind kind, std::string why) {
        return fail(kind, attempted, subject_of(ref), std::move(why), "revert to another snapshot");
    };
    if (!guest->awaiting_memory) return refuse(ErrorKind::invalid, "it was not started to wait for memory");
    const auto file = world.files.find(path);
    if (file == world.files.end()) return refuse(ErrorKind::not_found, "there is no such file");
    STASIS_TRY(const auto saved, memory_from_text(file->second, path));
    if (saved.machine != guest->machine)
        return refuse(ErrorKind::unsupported, "it was saved from machine type '" + saved.machine + "', the guest is '" + guest->machine + "'");
    guest->memory = saved.memory;
    guest->awaiting_memory = false;
    return port::RestoreReport{.guest_bytes = saved.memory.pages.size() * kPageBytes};
}

}  // namespace

Result<model::GuestProcess> FakeLifecycle::launch(const port::LaunchRequest& request) {
    return store_.change([&](World& world) { return launch_in(world, request); });
}

Result<model::GuestStatus> FakeLifecycle::status(const model::GuestRef& guest) {
    return store_.look([&](const World& world) -> Result<model::GuestStatus> {
        const auto found = world.guests.find(guest);
        if (found == world.guests.end()) return model::GuestStatus{};
        return model::GuestStatus{.state = found->second.state,
                                  .pid = found->second.pid,
                                  .accelerator = "fake",
                                  .hypervisor_version = std::string(kVersion),
                                  .machine = found->second.machine};
    });
}

Result<void> FakeLifecycle::pause(const model::GuestRef& ref) {
    return store_.change([&](World& world) -> Result<void> {
        STASIS_TRY(Guest* const guest, find_guest(world, ref, "pause the guest"));
        guest->state = DomainState::paused;
        return take_images_back(world, ref, *guest, "pause the guest");
    });
}

Result<UnixMicros> FakeLifecycle::resume(const model::GuestRef& ref) {
    STASIS_TRY(const UnixMicros sequence, store_.change([&](World& world) { return resume_in(world, ref); }));
    return now_ ? now_() : sequence;
}

Result<void> FakeLifecycle::park(const model::GuestRef& ref) {
    return store_.change([&](World& world) -> Result<void> {
        STASIS_TRY(Guest* const guest, find_guest(world, ref, "park the guest"));
        STASIS_CHECK(refuse_merging(*guest, "park the guest"));
        guest->state = DomainState::paused;
        guest->parked = true;
        return {};
    });
}

Result<port::RestoreReport> FakeLifecycle::load_memory(const model::GuestRef& ref, const std::string& path,
                                                       ProgressSink* progress, const CancelToken* cancel) {
    if (cancel != nullptr && cancel->cancelled())
        return fail(ErrorKind::interrupted, "load memory from '" + path + "'", subject_of(ref), "it was cancelled");
    auto report = store_.change([&](World& world) { return load_memory_in(world, ref, path); });
    if (report && progress != nullptr)
        progress->progress({.activity = "loading memory", .done_bytes = report->guest_bytes, .total_bytes = report->guest_bytes});
    return report;
}

Result<void> FakeLifecycle::request_shutdown(const model::GuestRef& ref) {
    return store_.change([&](World& world) -> Result<void> {
        STASIS_TRY(Guest* const guest, find_guest(world, ref, "ask the guest to power off"));
        if (guest->deaf) return {};
        if (guest->state == DomainState::running) world.guests.erase(ref);
        else guest->shutdown_asked = true;
        return {};
    });
}

Result<void> FakeLifecycle::kill(const model::GuestRef& ref) {
    return store_.change([&](World& world) -> Result<void> {
        const auto found = world.guests.find(ref);
        if (found == world.guests.end()) return {};
        if (found->second.streaming) world.files.erase(found->second.streaming->path + std::string(model::kMemoryPartSuffix));
        world.guests.erase(found);
        return {};
    });
}

Result<std::string> FakeLifecycle::resolve_machine(const std::string& emulator, const std::string&, const std::string& machine) {
    if (emulator.contains("missing"))
        return fail(ErrorKind::not_found, "ask the emulator for its machine types", emulator, "there is no such program",
                    "install it, or leave <emulator> out");
    return versioned(machine);
}

}  // namespace stasis::fake
