#include "hypervisor/qemu/tpm.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>

#include "base/undo.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr int kConnection = 10;
constexpr std::uint64_t kTpmStateBytesMax = 16 << 20;

std::string all_states(const std::string& root, const Uuid& domain) { return root + "/tpm/" + domain.str(); }

std::string state_folder(const std::string& root, const model::GuestRef& guest) {
    return all_states(root, guest.domain) + "/" + std::to_string(guest.generation);
}

/// Generations below `limit` that have TPM state, ascending order not promised.
std::vector<std::uint32_t> older(seam::FileSystem& files, const std::string& root, const model::GuestRef& guest) {
    std::vector<std::uint32_t> found;
    const auto names = files.list_folder(all_states(root, guest.domain));
    if (!names) return found;
    for (const std::string& name : *names) {
        std::uint32_t number = 0;
        const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (code == std::errc() && end == name.data() + name.size() && number < guest.generation) found.push_back(number);
    }
    return found;
}

/// Starts from the state that the newest older generation left.
Result<void> inherit_state(seam::FileSystem& files, const std::string& root, const model::GuestRef& guest) {
    const std::string own = state_folder(root, guest);
    STASIS_CHECK(files.make_folders(own));
    std::uint32_t newest = 0;
    bool any = false;
    for (const std::uint32_t generation : older(files, root, guest)) {
        newest = std::max(newest, generation);
        any = true;
    }
    if (!any) return {};
    const std::string before = state_folder(root, {guest.domain, newest});
    STASIS_TRY(const auto names, files.list_folder(before));
    for (const std::string& name : names) {
        if (!name.ends_with(".permall")) continue;  // volatile state and locks belong to the other process
        STASIS_TRY(const std::string content, seam::read_file(files, before + "/" + name, kTpmStateBytesMax));
        STASIS_CHECK(seam::replace_file(files, own + "/" + name, content));
    }
    return {};
}

}  // namespace

void forget_tpm(seam::FileSystem& files, const std::string& root, const model::GuestRef& guest) {
    const std::string folder = state_folder(root, guest);
    if (const auto names = files.list_folder(folder))
        for (const std::string& name : *names) (void)files.remove_file(folder + "/" + name);
    (void)files.remove_folder(folder);
}

void forget_older_tpm(seam::FileSystem& files, const std::string& root, const model::GuestRef& guest) {
    for (const std::uint32_t generation : older(files, root, guest)) forget_tpm(files, root, {guest.domain, generation});
}

Result<StartedTpm> start_tpm(seam::FileSystem& files, seam::ProcessRunner& processes, const std::string& root,
                             const model::GuestRef& guest, const model::Tpm& tpm) {
    STASIS_CHECK(inherit_state(files, root, guest));
    Undo forget([&] { forget_tpm(files, root, guest); });
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail_errno(errno, "connect the TPM emulator", "socket pair");
    const UniqueFd theirs(ends[0]);
    UniqueFd ours(ends[1]);
    seam::SpawnRequest request{.argv = {"swtpm", "socket", "--tpmstate", "dir=" + state_folder(root, guest) + ",mode=0600",
                                        "--ctrl", "type=unixio,clientfd=" + std::to_string(kConnection), "--terminate",
                                        "--flags", "startup-none"},
                               .log_path = run_folder(root, guest).tpm_log(),
                               .pass_fds = {{theirs.get(), kConnection}}};
    if (tpm.version != "1.2") request.argv.push_back("--tpm2");
    auto process = processes.spawn(request);
    if (!process)
        return fail_because(std::move(process).error(), "start the TPM emulator", "swtpm",
                            "install swtpm, or remove <tpm> from the definition");
    forget.dismiss();
    return StartedTpm{*process, std::move(ours)};
}

}  // namespace stasis::hypervisor::qemu
