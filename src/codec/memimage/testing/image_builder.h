// For tests only: a whole memory image in memory, made from a guest that is a map of pages. One thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec/memimage/chunk_codec.h"
#include "codec/memimage/reader.h"
#include "codec/memimage/writer.h"

namespace stasis::codec::memimage::testing {

using Bytes = std::vector<std::byte>;

/// Serves a vector that somebody else owns.
class VectorSource final : public ByteSource {
public:
    explicit VectorSource(std::span<const std::byte> bytes) : bytes_(bytes) {}
    Result<std::uint64_t> size() override { return bytes_.size(); }
    Result<void> read(std::uint64_t offset, std::span<std::byte> out) override {
        if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return damaged("test image", "read past the end");
        if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
        return {};
    }

private:
    std::span<const std::byte> bytes_;
};

inline Result<std::unique_ptr<ImageReader>> open_bytes(std::span<const std::byte> image) {
    return ImageReader::open(std::make_unique<VectorSource>(image), "test image");
}

/// Opens, checks the index and reads every chunk.
inline Result<void> check_all(std::span<const std::byte> image) {
    STASIS_TRY(auto reader, open_bytes(image));
    STASIS_CHECK(reader->check_index());
    Bytes raw;
    for (std::uint32_t chunk = 0; chunk < reader->layout().chunks.size(); ++chunk) {
        raw.resize(reader->chunk_raw_bytes(chunk));
        STASIS_CHECK(reader->read_chunk(chunk, raw));
    }
    return {};
}

class ImageBuilder {
public:
    ImageBuilder(Codec codec, const std::vector<std::pair<std::string, std::uint64_t>>& blocks)
        : codec_(codec), index_(PageIndex::make(blocks).value()), packer_(codec) {
        append(std::as_bytes(std::span(&header_, 1)));
    }

    void page(std::uint32_t block, std::uint64_t page, std::span<const std::byte> content) {
        index_.set(block, page, {static_cast<std::uint32_t>(chunks_.size()), static_cast<std::uint32_t>(raw_.size() / kPageBytes)});
        raw_.insert(raw_.end(), content.begin(), content.end());
        if (raw_.size() == kChunkBytes) close_chunk();
    }
    void zero(std::uint32_t block, std::uint64_t page) { index_.set_zero(block, page); }

    Bytes finish(std::string_view configuration, std::string_view ram_setup, std::string_view device_state) {
        if (!raw_.empty()) close_chunk();
        const ImageParts parts{std::as_bytes(std::span(configuration)), std::as_bytes(std::span(ram_setup)),
                               std::as_bytes(std::span(device_state)), index_, chunks_};
        const auto length = write_tail(parts, header_, [&](auto bytes) {
            append(bytes);
            return Result<void>();
        });
        if (length.value() != image_.size()) __builtin_trap();
        return image_;
    }

private:
    void append(std::span<const std::byte> bytes) { image_.insert(image_.end(), bytes.begin(), bytes.end()); }
    void close_chunk() {
        const auto packed = packer_.pack(raw_);
        chunks_.push_back(make_chunk_entry(image_.size(), raw_.size(), packed.codec, packed.stored));
        append(packed.stored);
        raw_.clear();
    }

    Codec codec_;
    Header header_ = make_header(codec_);
    PageIndex index_;
    ChunkPacker packer_;
    Bytes raw_;
    std::vector<ChunkEntry> chunks_;
    Bytes image_;
};

}  // namespace stasis::codec::memimage::testing
