// Makes the bodies of port::Volume and port::StateFiles for real files. Callers own what they get; the seams must
// outlive it. One thread.
#pragma once

#include <memory>

#include "port/volume.h"
#include "seam/file_system.h"
#include "seam/process.h"

namespace stasis::storage {

/// qcow2 images and raw images and block devices. Reads headers itself; changes are made by `qemu-img`.
std::unique_ptr<port::Volume> make_volume(seam::FileSystem& files, seam::ProcessRunner& processes);

std::unique_ptr<port::StateFiles> make_state_files(seam::FileSystem& files);

}  // namespace stasis::storage
