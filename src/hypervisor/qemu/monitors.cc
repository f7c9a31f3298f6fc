#include "hypervisor/qemu/monitors.h"

namespace stasis::hypervisor::qemu {

Result<std::unique_ptr<QmpSession>> Monitors::open(const std::string& path, const RunFolder& folder,
                                                   SessionOptions options, const model::GuestRef& guest) {
    options.subject = "guest " + guest.domain.str() + ", generation " + std::to_string(guest.generation);
    options.log_tail = [&files = files_, log = folder.log()] { return log_tail(files, log); };
    auto channel = channels_.connect(path);
    if (!channel) {
        const std::string tail = options.log_tail();
        auto error = fail_because(std::move(channel).error(), "reach QEMU's monitor", options.subject);
        if (!tail.empty()) error.error().why = "QEMU's log ends: " + tail;
        return error;
    }
    return QmpSession::open(*std::move(channel), clock_, std::move(options));
}

Result<std::shared_ptr<QmpSession>> Monitors::commands(const model::GuestRef& guest, Millis greeting_wait) {
    if (auto kept = open_[guest].lock(); kept && !kept->dead()) return kept;
    const RunFolder folder = run_folder(root_, guest);
    STASIS_TRY(auto session, open(folder.commands(), folder, {.greeting_wait = greeting_wait}, guest));
    std::shared_ptr<QmpSession> shared = std::move(session);
    open_[guest] = shared;
    return shared;
}

Result<std::unique_ptr<QmpSession>> Monitors::queries(const model::GuestRef& guest, Millis limit) {
    const RunFolder folder = run_folder(root_, guest);
    return open(folder.queries(), folder, {.greeting_wait = limit, .command_wait = limit}, guest);
}

}  // namespace stasis::hypervisor::qemu
