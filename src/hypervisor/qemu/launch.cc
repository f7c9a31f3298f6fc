// Starting a guest process. Each effect registers its undo: on any error nothing stays behind but the message, which
// quotes what QEMU wrote.
#include <csignal>

#include <deque>

#include "base/undo.h"
#include "codec/qmp/json.h"
#include "hypervisor/qemu/block_nodes.h"
#include "hypervisor/qemu/command_line.h"
#include "hypervisor/qemu/host_sockets.h"
#include "hypervisor/qemu/lifecycle.h"
#include "hypervisor/qemu/tpm.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr Millis kFirstGreetingLimit{60'000};  // a loaded host; a QEMU that dies ends the wait at once
constexpr Millis kKillLimit{10'000};
constexpr const char* kMachineSuffix = "-machine";

/// One launch while it goes on.
class Launch {
public:
    Launch(const LifecycleParts& parts, const port::LaunchRequest& request)
        : parts_(parts), request_(request), folder_(run_folder(parts.root, request.guest)) {}

    Result<model::GuestProcess> run() {
        STASIS_TRY(const HostAbility host, parts_.emulators.ability(request_.definition.emulator, request_.definition.os.arch));
        STASIS_TRY(auto line, build_command_line({request_, host, folder_, block_devices()}));
        STASIS_CHECK(make_folder());
        record_.accelerator = host.accelerator;
        record_.sockets = line.user_sockets;
        for (const auto& disk : request_.definition.disks) record_.disks.push_back(disk_options(disk));
        STASIS_CHECK(clear_sockets());
        STASIS_CHECK(spawn(line));
        if (auto greeted = greet(); !greeted) return explain(std::move(greeted).error());
        STASIS_CHECK(write_record(parts_.files, folder_, record_));
        if (!request_.replaces_running) sweep();
        for (Undo& undo : undo_) undo.dismiss();
        return model::GuestProcess{request_.guest.generation, record_.process.pid, record_.process.start_ticks};
    }

    ~Launch() {
        while (!undo_.empty()) undo_.pop_back();  // the last effect first
    }
    Launch(const Launch&) = delete;
    Launch& operator=(const Launch&) = delete;

private:
    std::vector<std::string> block_devices() {
        std::vector<std::string> found;
        for (const auto& disk : request_.disks)
            for (const auto& image : disk.chain)
                if (const auto stat = parts_.files.stat(image.path); stat && stat->is_block_device)
                    found.push_back(image.path);
        return found;
    }

    Result<void> make_folder() {
        STASIS_TRY(const bool made, parts_.files.make_folders(folder_.path));
        if (!made)
            return fail(ErrorKind::exists, "start the guest", folder_.path, "a guest of this generation was started before");
        undo_.emplace_back([this] { (void)remove_run_folder(parts_.files, folder_); });
        return keep_state(parts_.files, folder_, KeptState::paused);
    }

    /// The guest that is being replaced keeps its sockets under another name.
    Result<void> clear_sockets() {
        if (!request_.replaces_running) return {};
        for (const std::uint32_t generation : standing_generations(parts_.files, parts_.root, request_.guest.domain))
            if (generation < request_.guest.generation) record_.replaced = generation;
        if (!record_.replaced) return {};
        undo_.emplace_back([this] { give_back(parts_.files, record_.sockets, *record_.replaced); });
        return set_aside(parts_.files, record_.sockets, *record_.replaced);
    }

    Result<void> spawn(const CommandLine& line) {
        seam::SpawnRequest spawn{.argv = line.argv, .environment = line.environment, .log_path = folder_.log()};
        std::vector<UniqueFd> descriptors;  // closed here at the end: QEMU's death must end the connections
        for (const ListenSocket& socket : line.listen) {
            STASIS_TRY(UniqueFd listening, parts_.channels.listen(socket.path));
            spawn.pass_fds.emplace_back(listening.get(), socket.number);
            descriptors.push_back(std::move(listening));
        }
        if (line.tpm_descriptor >= 0) {
            STASIS_TRY(StartedTpm tpm, start_tpm(parts_.files, parts_.processes, parts_.root, request_.guest,
                                                 *request_.definition.tpm));
            record_.tpm = tpm.process;
            undo_.emplace_back([this] {
                end_process(*record_.tpm);
                forget_tpm(parts_.files, parts_.root, request_.guest);
            });
            spawn.pass_fds.emplace_back(tpm.connection.get(), line.tpm_descriptor);
            descriptors.push_back(std::move(tpm.connection));
        }
        STASIS_TRY(record_.process, parts_.processes.spawn(spawn));
        undo_.emplace_back([this] { end_process(record_.process); });
        return write_record(parts_.files, folder_, record_);  // from here on kill() finds it
    }

    void end_process(const seam::SpawnedProcess& process) {
        (void)parts_.processes.signal(process, SIGKILL);
        (void)parts_.processes.wait_gone(process, kKillLimit);
    }

    /// Both monitors answer, and the guest stands as asked for.
    Result<void> greet() {
        STASIS_TRY(const auto session, parts_.monitors.commands(request_.guest, kFirstGreetingLimit));
        record_.version = session->version().str();
        STASIS_TRY(const Json type, session->execute("qom-get", Json{{"path", "/machine"}, {"property", "type"}}));
        record_.machine = type.is_string() ? type.get<std::string>() : std::string();
        if (record_.machine.ends_with(kMachineSuffix))
            record_.machine.resize(record_.machine.size() - std::string_view(kMachineSuffix).size());
        STASIS_CHECK(parts_.monitors.queries(request_.guest, kFirstGreetingLimit));
        return {};
    }

    /// What is left of generations that ended by themselves.
    void sweep() {
        forget_older_tpm(parts_.files, parts_.root, request_.guest);
        for (const std::uint32_t generation : standing_generations(parts_.files, parts_.root, request_.guest.domain)) {
            const RunFolder old = run_folder(parts_.root, {request_.guest.domain, generation});
            const auto record = read_record(parts_.files, old);
            if (generation >= request_.guest.generation || !record) continue;
            if (!parts_.processes.alive(record->process).value_or(true)) (void)remove_run_folder(parts_.files, old);
        }
    }

    std::unexpected<Error> explain(Error error) {
        const std::string subject = "domain '" + request_.definition.name.str() + "'";
        const std::string said = log_tail(parts_.files, folder_.log());
        if (said.empty()) return fail_because(std::move(error), "start QEMU for", subject);
        const ErrorKind kind = kind_of_words(said);
        const bool locked = kind == ErrorKind::busy;
        return fail(kind, "start QEMU for", subject, "it said: " + said,
                    locked ? "end the process that has the image open" : "mend what it names; the definition: stasis dumpxml");
    }

    const LifecycleParts& parts_;
    const port::LaunchRequest& request_;
    RunFolder folder_;
    GuestRecord record_;
    std::deque<Undo> undo_;
};

}  // namespace

Result<model::GuestProcess> QemuLifecycle::launch(const port::LaunchRequest& request) {
    return Launch(parts_, request).run();
}

}  // namespace stasis::hypervisor::qemu
