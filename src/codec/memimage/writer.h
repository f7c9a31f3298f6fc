// Makes the bytes of a memory image that are not chunks: the header, and everything from the end of the last chunk
// on. Where they go is the caller's business. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "codec/memimage/format.h"
#include "codec/memimage/page_index.h"

namespace stasis::codec::memimage {

/// The header that stands at offset 0.
[[nodiscard]] Header make_header(Codec wanted);

/// Entry of the chunk that is stored at `offset` as `stored`.
[[nodiscard]] ChunkEntry make_chunk_entry(std::uint64_t offset, std::size_t raw_bytes, Codec codec,
                                          std::span<const std::byte> stored);

struct ImageParts {
    std::span<const std::byte> configuration;
    std::span<const std::byte> ram_setup;
    std::span<const std::byte> device_state;
    const PageIndex& index;
    std::span<const ChunkEntry> chunks;  ///< in file order, from the end of the header without gaps
};

/// Receives the bytes that follow each other in the file.
using ByteSink = std::function<Result<void>(std::span<const std::byte>)>;

/// Passes on all that follows the last chunk; returns the length of the whole file. invalid: a part is longer than the
/// format allows. The sink's own errors are returned as they are.
Result<std::uint64_t> write_tail(const ImageParts& parts, const Header& header, const ByteSink& sink);

}  // namespace stasis::codec::memimage
