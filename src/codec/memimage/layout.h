// What a memory image says of itself: header, footer and every section but the page index, read and checked as if
// somebody hostile had written them. Values once read; reading is for one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/memimage/format.h"

namespace stasis::codec::memimage {

/// Where an image's bytes come from.
class ByteSource {
public:
    virtual ~ByteSource() = default;
    virtual Result<std::uint64_t> size() = 0;
    /// Fills `bytes`; the range is within size(). corrupt when the source has become shorter meanwhile.
    virtual Result<void> read(std::uint64_t offset, std::span<std::byte> bytes) = 0;
};

struct ImageLayout {
    Header header;
    Footer footer;
    std::vector<std::byte> configuration;
    std::vector<std::byte> ram_setup;
    std::vector<std::byte> device_state;
    std::vector<Block> blocks;
    std::vector<GroupEntry> groups;
    std::vector<ChunkEntry> chunks;
};

/// `subject` names the image in errors. corrupt: cut, damaged or not an image; unsupported: of another version.
Result<ImageLayout> read_layout(ByteSource& source, const std::string& subject);

/// An Error of kind corrupt about `subject`.
[[nodiscard]] std::unexpected<Error> damaged(const std::string& subject, std::string why);

}  // namespace stasis::codec::memimage
