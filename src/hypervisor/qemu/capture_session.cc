#include "hypervisor/qemu/capture_session.h"

#include "hypervisor/qemu/migration.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr Millis kEndStall{30'000};

class QemuCaptureSession final : public port::CaptureSession {
public:
    explicit QemuCaptureSession(CaptureSessionParts parts) : parts_(std::move(parts)) {}
    ~QemuCaptureSession() override {
        if (parts_.stream) (void)give_up();
    }

    Result<port::CaptureReport> finish(ProgressSink* progress, const CancelToken* cancel) override {
        if (!parts_.stream) return parts_.report;
        auto totals = parts_.stream->finish(progress, cancel);
        if (!totals) return std::unexpected(explain(std::move(totals).error()));
        parts_.stream.reset();
        // The stream has ended well, so this is a formality; but the next capture needs it to be over.
        MigrationWatch none;
        if (const auto end = await_migration_end(*parts_.session, parts_.clock, none, kEndStall); end)
            reset_migration(*parts_.session);
        parts_.report.memory_file_bytes = totals->file_bytes;
        parts_.report.memory_guest_bytes = totals->guest_bytes;
        return parts_.report;
    }

private:
    /// Never cancels a background snapshot: QEMU 7.2 would leave the guest's memory write-protected. The stream is
    /// read to nowhere instead, at the speed of a pipe, and before anything else: until somebody reads, the guest
    /// stands still.
    GivenUp give_up() {
        parts_.stream->abandon();
        auto given_up = give_up_migration(*parts_.session, parts_.clock, parts_.protection, parts_.pid, kEndStall);
        parts_.stream.reset();
        return given_up;
    }

    Error explain(Error error) {
        const GivenUp given_up = give_up();
        return reason_to_report(std::move(error), given_up, parts_.session->dead());
    }

    CaptureSessionParts parts_;
};

}  // namespace

std::unique_ptr<port::CaptureSession> make_capture_session(CaptureSessionParts parts) {
    return std::make_unique<QemuCaptureSession>(std::move(parts));
}

}  // namespace stasis::hypervisor::qemu
