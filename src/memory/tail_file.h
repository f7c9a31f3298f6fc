// Appends what follows the chunks to the file of a memory image. One thread.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "codec/memimage/writer.h"
#include "memory/stream_receiver.h"
#include "seam/file_system.h"

namespace stasis::memory {

/// Returns the length of the whole file. Errors are the file's.
Result<std::uint64_t> write_image_tail(seam::File& file, const codec::memimage::Header& header, const Received& received);

}  // namespace stasis::memory
