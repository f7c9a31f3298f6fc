// Packs chunks for a memory image and unpacks them. Each object owns its library context and scratch memory, and is
// used by one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"
#include "codec/memimage/format.h"

namespace stasis::codec::memimage {

struct PackedChunk {
    Codec codec = Codec::raw;
    std::span<const std::byte> stored;  ///< the packer's scratch memory, or the input itself when codec is raw
};

class ChunkPacker {
public:
    explicit ChunkPacker(Codec wanted);
    ~ChunkPacker();
    ChunkPacker(const ChunkPacker&) = delete;
    ChunkPacker& operator=(const ChunkPacker&) = delete;
    /// `raw`: at most kChunkBytes. Raw is what comes out when packing does not make it smaller. Valid until the next call.
    [[nodiscard]] PackedChunk pack(std::span<const std::byte> raw);

private:
    struct State;
    std::unique_ptr<State> state_;
};

class ChunkUnpacker {
public:
    ChunkUnpacker();
    ~ChunkUnpacker();
    ChunkUnpacker(const ChunkUnpacker&) = delete;
    ChunkUnpacker& operator=(const ChunkUnpacker&) = delete;
    /// Fills `raw` exactly and writes nothing past it. corrupt: `stored` is no such chunk of that length.
    Result<void> unpack(Codec codec, std::span<const std::byte> stored, std::span<std::byte> raw);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace stasis::codec::memimage
