// Where one generation of a guest keeps its sockets, log and record on this host: <root>/run/<uuid>/<generation>/,
// mode 0700. Every path comes from here. What is written here is all that one process of the tool tells the next
// about a guest, beside what QEMU itself answers. Values and free functions; one thread per folder that writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/guest.h"
#include "seam/file_system.h"
#include "seam/process.h"

namespace stasis::hypervisor::qemu {

inline constexpr std::uint64_t kRunFileBytesMax = 1 << 20;

struct RunFolder {
    std::string path;
    [[nodiscard]] std::string commands() const { return path + "/c.sock"; }  ///< monitor of the command in progress
    [[nodiscard]] std::string queries() const { return path + "/q.sock"; }   ///< monitor for reading, used briefly
    [[nodiscard]] std::string log() const { return path + "/qemu.log"; }
    [[nodiscard]] std::string record() const { return path + "/guest.json"; }
    [[nodiscard]] std::string state() const { return path + "/state"; }
    [[nodiscard]] std::string latch() const { return path + "/latch.qcow2"; }
    [[nodiscard]] std::string vnc() const { return path + "/vnc.sock"; }
    [[nodiscard]] std::string tpm_log() const { return path + "/tpm.log"; }
    [[nodiscard]] std::string channel(std::size_t index) const { return path + "/channel-" + std::to_string(index) + ".sock"; }
};

[[nodiscard]] RunFolder run_folder(const std::string& root, const model::GuestRef& guest);
/// The generations of a domain that have a run folder, ascending.
[[nodiscard]] std::vector<std::uint32_t> standing_generations(seam::FileSystem& files, const std::string& root,
                                                              const Uuid& domain);

/// How a disk was opened, for the overlays that follow.
struct DiskOptions {
    DiskTarget target;
    std::string cache, discard, io, detect_zeroes;
    bool operator==(const DiskOptions&) const = default;
};

/// What launch() writes down about a guest.
struct GuestRecord {
    seam::SpawnedProcess process;
    std::optional<seam::SpawnedProcess> tpm;
    std::string accelerator, version, machine;
    std::vector<DiskOptions> disks;
    std::vector<std::string> sockets;              ///< named by the user, on which this guest listens
    std::optional<std::uint32_t> replaced;         ///< generation whose sockets were set aside
};

Result<void> write_record(seam::FileSystem& files, const RunFolder& folder, const GuestRecord& record);
/// not_found when there is none; corrupt when it cannot be read.
Result<GuestRecord> read_record(seam::FileSystem& files, const RunFolder& folder);

/// What the tool last did to the vCPUs and images. `inactive`: parked, or a migration may have given up the images.
enum class KeptState { running, paused, inactive };
Result<void> keep_state(seam::FileSystem& files, const RunFolder& folder, KeptState state);
/// running when nothing was kept.
[[nodiscard]] KeptState kept_state(seam::FileSystem& files, const RunFolder& folder);

/// The last lines of QEMU's log, on one line, for error messages; empty when there are none.
[[nodiscard]] std::string log_tail(seam::FileSystem& files, const std::string& path);

/// Removes the folder and the plain files in it. Not there: fine.
Result<void> remove_run_folder(seam::FileSystem& files, const RunFolder& folder);

}  // namespace stasis::hypervisor::qemu
