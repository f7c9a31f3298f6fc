// Bounded big-endian reading for the qcow2 reader: a cursor over bytes in memory, a window that moves over a table
// in the file, and the errors both give. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/endian.h"
#include "codec/qcow2/image.h"

namespace stasis::codec::qcow2 {

[[nodiscard]] std::unexpected<Error> corrupt(const Source& source, std::string why);
[[nodiscard]] std::unexpected<Error> unsupported(const Source& source, std::string why, std::string next = {});

/// Exactly `count` bytes at `offset`; corrupt ("<what> reaches past the end of the file") when they are not there.
/// `count` must have been checked against a limit by the caller.
Result<std::vector<std::byte>> read_exact(const Source& source, std::uint64_t offset, std::size_t count,
                                          std::string_view what);

/// A range of the file that holds a table.
struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::string what;
};

/// Reads a table of variable entries front to back, within `limit` bytes, a window at a time.
class TableReader {
public:
    TableReader(const Source& source, std::uint64_t offset, std::uint64_t limit_bytes, std::string what)
        : source_(source), offset_(offset), limit_(limit_bytes), what_(std::move(what)) {}
    /// The next `count` bytes (at most 64 KiB); valid until the next call. corrupt past the limit or the file's end.
    Result<std::span<const std::byte>> take(std::size_t count);
    /// Goes on at the next multiple of 8 of what was taken.
    Result<void> align8();
    [[nodiscard]] std::uint64_t taken() const { return taken_; }

private:
    const Source& source_;
    std::uint64_t offset_;
    std::uint64_t limit_;
    std::string what_;
    std::uint64_t taken_ = 0;
    std::vector<std::byte> window_;
    std::uint64_t window_start_ = 0;
};

}  // namespace stasis::codec::qcow2
