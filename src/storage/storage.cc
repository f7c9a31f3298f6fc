#include "storage/storage.h"

#include "storage/qcow2/qcow2_volume.h"
#include "storage/state_files.h"

namespace stasis::storage {

std::unique_ptr<port::Volume> make_volume(seam::FileSystem& files, seam::ProcessRunner& processes) {
    return std::make_unique<Qcow2Volume>(files, processes);
}

std::unique_ptr<port::StateFiles> make_state_files(seam::FileSystem& files) {
    return std::make_unique<PlainStateFiles>(files);
}

}  // namespace stasis::storage
