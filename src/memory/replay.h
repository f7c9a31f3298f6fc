// Turns a memory image back into a plain QEMU migration stream, for `-incoming` here or anywhere. Every chunk's
// checksum is verified before any byte of it is written. One thread per call.
#pragma once

#include <cstdint>
#include <string>

#include <stasis/progress.h>

#include "base/result.h"
#include "seam/file_system.h"

namespace stasis::memory {

struct ReplayTotals {
    std::uint64_t stream_bytes = 0;
    std::uint64_t guest_bytes = 0;
};

/// Writes the whole stream to `stream` (a pipe, socket or file; blocking). corrupt: the image is damaged or cut.
Result<ReplayTotals> replay(seam::FileSystem& files, const std::string& path, int stream, ProgressSink* progress,
                            const CancelToken* cancel);

/// What an image says of itself without reading its pages. corrupt: damaged header, footer, index or device state.
struct ImageSummary {
    std::uint64_t guest_bytes = 0;
    std::uint64_t file_bytes = 0;
    std::string machine;        ///< from the stream's configuration section: "pc-q35-7.2"
};
Result<ImageSummary> summarize(seam::FileSystem& files, const std::string& path);

/// Reads every chunk and compares its checksum.
Result<void> verify(seam::FileSystem& files, const std::string& path, ProgressSink* progress, const CancelToken* cancel);

}  // namespace stasis::memory
