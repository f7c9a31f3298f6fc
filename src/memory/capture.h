// Takes a migration stream that QEMU writes and makes a memory image of it, in one pass, on its own threads, with
// bounded memory. The instance owns the stream's read end and the temporary file. start() and finish() from one
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <stasis/progress.h>
#include <stasis/snapshot.h>

#include "base/result.h"
#include "base/unique_fd.h"
#include "seam/file_system.h"

namespace stasis::memory {

inline constexpr std::uint64_t kCaptureMemoryBytesMax = 256ull << 20;  ///< buffers of one capture, whatever the guest's size

struct CaptureOptions {
    std::string path;                    ///< final name; written as path + ".part" until sealed
    MemoryCompression compression = MemoryCompression::lz4;
    std::uint64_t expected_bytes = 0;    ///< for progress; 0: taken from the stream's own block list
    /// The guest runs with `-machine suppress-vmdesc=on`: its stream ends without the description by which a cut one
    /// is recognised, and the end mark has to do.
    bool description_optional = false;
};

struct CaptureTotals {
    std::uint64_t guest_bytes = 0;       ///< sum of all RAM blocks
    std::uint64_t file_bytes = 0;
    std::uint64_t zero_pages = 0;
    std::uint64_t stored_pages = 0;
};

class StreamCapture {
public:
    /// Makes the temporary file (exists when path or path.part is taken) and begins to read at once.
    static Result<std::unique_ptr<StreamCapture>> start(seam::FileSystem& files, UniqueFd stream, CaptureOptions options);
    virtual ~StreamCapture() = default;  ///< not finished: closes the stream, removes the temporary file
    /// True once the first section after the RAM set-up section has begun: write tracking is armed by then.
    virtual bool wait_armed(std::chrono::milliseconds limit) = 0;
    /// True once the end of the stream has been seen and the stream was whole. Stays false after an error, which
    /// finish() returns. Does not wait.
    [[nodiscard]] virtual bool ended() const = 0;
    /// True once it has gone wrong: nothing more is read, and finish() returns why. Does not wait.
    [[nodiscard]] virtual bool failed() const = 0;
    [[nodiscard]] virtual std::uint64_t received_bytes() const = 0;
    /// Waits for the end of the stream, writes index and footer, syncs, renames, syncs the folder.
    /// corrupt: the stream broke a rule or ended early. On error the temporary file is gone.
    virtual Result<CaptureTotals> finish(ProgressSink* progress, const CancelToken* cancel) = 0;
};

}  // namespace stasis::memory
