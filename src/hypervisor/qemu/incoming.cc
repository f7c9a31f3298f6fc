#include "hypervisor/qemu/incoming.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "hypervisor/qemu/migration.h"
#include "hypervisor/qemu/pause_sequence.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr const char* kStreamName = "stasis-restore";
constexpr int kPipeBytes = 1 << 20;
constexpr Millis kLoadLimit{120'000};  // after the last byte: device state only

Result<void> await_loaded(QmpSession& session) {
    STASIS_TRY(const auto event, session.wait_event(
        [](const Event& e) { return is_migration(e, {"completed", "failed"}); }, kLoadLimit));
    if (event && is_migration(*event, {"completed"})) return {};
    // QEMU 7.2 ends after a failed load: asking makes the session quote its log.
    STASIS_TRY(const MigrationState state, migration_state(session));
    return migration_error(state);
}

}  // namespace

Result<memory::ReplayTotals> load_incoming(QmpSession& session, seam::FileSystem& files, const std::string& path,
                                           ProgressSink* progress, const CancelToken* cancel) {
    STASIS_CHECK(memory::summarize(files, path));  // a bad image is found out while the guest can still take another
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "make a pipe for guest memory", path);
    UniqueFd read_end(ends[0]), write_end(ends[1]);
    (void)::fcntl(write_end.get(), F_SETPIPE_SZ, kPipeBytes);
    STASIS_CHECK(set_up_migration(session, MemoryMethod::none));
    const int descriptor = read_end.get();
    STASIS_CHECK(session.execute("getfd", Json{{"fdname", kStreamName}}, std::span(&descriptor, 1)));
    read_end.reset();
    session.forget_events();
    STASIS_CHECK(session.execute("migrate-incoming", Json{{"uri", std::string("fd:") + kStreamName}}));
    auto totals = memory::replay(files, path, write_end.get(), progress, cancel);
    write_end.reset();
    if (!totals && (totals.error().kind == ErrorKind::interrupted || totals.error().kind == ErrorKind::corrupt)) return totals;
    auto loaded = await_loaded(session);
    if (!loaded) return fail_because(std::move(loaded).error(), "load guest memory", path);
    return totals;
}

}  // namespace stasis::hypervisor::qemu
