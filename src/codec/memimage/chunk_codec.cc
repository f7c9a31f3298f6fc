#include "codec/memimage/chunk_codec.h"

#include <array>
#include <cstring>

#include <lz4.h>
#include <zstd.h>

namespace stasis::codec::memimage {

namespace {

constexpr int kZstdLevel = 1;  // memory is packed while the guest runs beside it: speed before size

struct FreeZstd {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

char* chars(std::byte* bytes) { return reinterpret_cast<char*>(bytes); }
const char* chars(const std::byte* bytes) { return reinterpret_cast<const char*>(bytes); }

}  // namespace

struct ChunkPacker::State {
    Codec wanted = Codec::raw;
    std::unique_ptr<ZSTD_CCtx, FreeZstd> zstd;
    std::array<std::byte, kChunkBytes> scratch;
};

ChunkPacker::ChunkPacker(Codec wanted) : state_(std::make_unique<State>()) {
    state_->wanted = wanted;
    if (wanted == Codec::zstd) state_->zstd.reset(ZSTD_createCCtx());
}
ChunkPacker::~ChunkPacker() = default;

PackedChunk ChunkPacker::pack(std::span<const std::byte> raw) {
    const PackedChunk unchanged{Codec::raw, raw};
    if (raw.empty()) return unchanged;
    auto& scratch = state_->scratch;
    const std::size_t room = raw.size() - 1;  // must become smaller: otherwise the packers give up
    std::size_t packed = 0;
    if (state_->wanted == Codec::lz4) {
        const int count = LZ4_compress_default(chars(raw.data()), chars(scratch.data()), static_cast<int>(raw.size()),
                                               static_cast<int>(room));
        if (count > 0) packed = static_cast<std::size_t>(count);
    } else if (state_->wanted == Codec::zstd && state_->zstd != nullptr) {
        const std::size_t count =
            ZSTD_compressCCtx(state_->zstd.get(), scratch.data(), room, raw.data(), raw.size(), kZstdLevel);
        if (ZSTD_isError(count) == 0) packed = count;
    }
    if (packed == 0) return unchanged;
    return {state_->wanted, std::span(scratch).first(packed)};
}

struct ChunkUnpacker::State {
    std::unique_ptr<ZSTD_DCtx, FreeZstd> zstd;
};

ChunkUnpacker::ChunkUnpacker() : state_(std::make_unique<State>()) {}
ChunkUnpacker::~ChunkUnpacker() = default;

Result<void> ChunkUnpacker::unpack(Codec codec, std::span<const std::byte> stored, std::span<std::byte> raw) {
    const auto broken = [] { return fail(ErrorKind::corrupt, "unpack a chunk", "memory image", "it does not unpack to its pages"); };
    switch (codec) {
        case Codec::raw:
            if (stored.size() != raw.size()) return broken();
            std::memcpy(raw.data(), stored.data(), raw.size());
            return {};
        case Codec::lz4: {
            if (stored.size() > kChunkBytes || raw.size() > kChunkBytes) return broken();
            const int count = LZ4_decompress_safe(chars(stored.data()), chars(raw.data()), static_cast<int>(stored.size()),
                                                  static_cast<int>(raw.size()));
            if (count < 0 || static_cast<std::size_t>(count) != raw.size()) return broken();
            return {};
        }
        case Codec::zstd: {
            if (!state_->zstd) state_->zstd.reset(ZSTD_createDCtx());
            if (!state_->zstd) return fail(ErrorKind::failed, "unpack a chunk", "memory image", "no memory for zstd");
            const std::size_t count =
                ZSTD_decompressDCtx(state_->zstd.get(), raw.data(), raw.size(), stored.data(), stored.size());
            if (ZSTD_isError(count) != 0 || count != raw.size()) return broken();
            return {};
        }
    }
    return broken();
}

}  // namespace stasis::codec::memimage
