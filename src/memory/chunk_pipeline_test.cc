#include "memory/chunk_pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "seam/testing/memory_file_system.h"

namespace stasis::memory {
namespace {

// One buffer for everything: the producer has to wait for the writer each time.
TEST(ChunkPipeline, GoesOnWithASingleBuffer) {
    seam::MemoryFileSystem files;
    ASSERT_TRUE(files.make_folders("/f"));
    for (const auto codec : {codec::memimage::Codec::raw, codec::memimage::Codec::lz4}) {
        auto file = files.create("/f/x").value();
        ChunkPipeline pipeline(*file, codec, 1, [] {});
        for (std::uint32_t i = 0; i < 20; ++i) {
            const auto buffer = pipeline.buffer();
            ASSERT_TRUE(buffer);
            std::ranges::fill(*buffer, static_cast<std::byte>(i));
            pipeline.submit(buffer->size());
        }
        const auto chunks = pipeline.drain();
        ASSERT_TRUE(chunks);
        ASSERT_EQ(chunks->size(), 20u);
        std::uint64_t offset = 4096;
        for (const auto& chunk : *chunks) {
            EXPECT_EQ(chunk.offset, offset);
            offset += chunk.stored_bytes;
        }
        EXPECT_EQ(file->size().value(), offset);
        ASSERT_TRUE(files.remove_file("/f/x"));
    }
}

}  // namespace
}  // namespace stasis::memory
