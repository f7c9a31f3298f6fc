// The TPM emulator (swtpm) beside a guest: one process a generation, connected by a socket pair, so that there is no
// path to race for. Its state lives in <root>/tpm/<uuid>/<generation>/; a new generation starts from a copy of the
// last one's. A restored guest brings its TPM state in its memory stream. Owned by the launcher; one thread.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "hypervisor/qemu/run_folder.h"
#include "model/domain.h"
#include "seam/file_system.h"
#include "seam/process.h"

namespace stasis::hypervisor::qemu {

struct StartedTpm {
    seam::SpawnedProcess process;
    UniqueFd connection;   ///< QEMU's end
};

/// not_found: swtpm is not installed.
Result<StartedTpm> start_tpm(seam::FileSystem& files, seam::ProcessRunner& processes, const std::string& root,
                             const model::GuestRef& guest, const model::Tpm& tpm);
/// Removes the state of one generation.
void forget_tpm(seam::FileSystem& files, const std::string& root, const model::GuestRef& guest);
/// The guest runs with its own state: that of all older generations is of no more use.
void forget_older_tpm(seam::FileSystem& files, const std::string& root, const model::GuestRef& guest);

}  // namespace stasis::hypervisor::qemu
