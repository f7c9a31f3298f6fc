#include "hypervisor/qemu/capture_session.h"

#include "hypervisor/qemu/migration.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr Millis kEndStall{30'000};

class QemuCaptureSession final : public port::CaptureSession {
public:
    explicit QemuCaptureSession(CaptureSessionParts parts) : parts_(std::move(parts)) {}
    ~QemuCaptureSession() override {
        if (parts_.stream) give_up();
    }

    Result<port::CaptureReport> finish(ProgressSink* progress, const CancelToken* cancel) override {
        if (!parts_.stream) return parts_.report;
        auto totals = parts_.stream->finish(progress, cancel);
        if (!totals) return explain(std::move(totals).error());
        parts_.stream.reset();
        // The stream has ended well, so this is a formality; but the next capture needs it to be over.
        if (const auto end = await_migration_end(*parts_.session, parts_.clock, kEndStall); end)
            reset_migration(*parts_.session);
        parts_.report.memory_file_bytes = totals->file_bytes;
        parts_.report.memory_guest_bytes = totals->guest_bytes;
        return parts_.report;
    }

private:
    /// Never cancels a background snapshot: QEMU 7.2 would leave the guest's memory write-protected. The stream is
    /// read to nowhere instead, at the speed of a pipe.
    void give_up() {
        parts_.stream->abandon();
        if (!parts_.session->dead()) (void)await_migration_end(*parts_.session, parts_.clock, kEndStall);
        (void)parts_.protection.lift(parts_.pid);
        if (!parts_.session->dead()) reset_migration(*parts_.session);
        parts_.stream.reset();
    }

    std::unexpected<Error> explain(Error error) {
        const auto state = parts_.session->dead() ? Result<MigrationState>(std::unexpected(Error{}))
                                                  : migration_state(*parts_.session);
        give_up();
        if (error.kind == ErrorKind::interrupted || error.kind == ErrorKind::no_space) return std::unexpected(std::move(error));
        // A stream that ended early says only that; QEMU, or its log, knows why.
        if (!state && !state.error().why.empty()) return fail_because(state.error(), "save guest memory", error.subject);
        if (state && state->status == "failed") {
            auto failed = migration_error(*state);
            failed.error().cause = std::make_shared<const Error>(std::move(error));
            return failed;
        }
        return std::unexpected(std::move(error));
    }

    CaptureSessionParts parts_;
};

}  // namespace

std::unique_ptr<port::CaptureSession> make_capture_session(CaptureSessionParts parts) {
    return std::make_unique<QemuCaptureSession>(std::move(parts));
}

}  // namespace stasis::hypervisor::qemu
