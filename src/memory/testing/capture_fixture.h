// For tests only: pipes that feed and drain, and a fixture that captures streams into a file system in memory and replays
// them. One thread a fixture.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "codec/migration/stream_parser.h"
#include "memory/capture.h"
#include "memory/replay.h"
#include "seam/testing/memory_file_system.h"

namespace stasis::memory::testing {

using Bytes = std::vector<std::byte>;

inline constexpr auto kPath = "/snapshots/a.save";
inline constexpr auto kPart = "/snapshots/a.save.part";
inline constexpr std::array kCompressions = {MemoryCompression::none, MemoryCompression::lz4, MemoryCompression::zstd};

struct Pipe {
    UniqueFd read, write;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) __builtin_trap();
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
};

/// Writes bytes to a descriptor on a thread of its own and closes it; a closed reader ends it.
class Feeder {
public:
    Feeder(UniqueFd out, Bytes bytes) : thread_([out = std::move(out), bytes = std::move(bytes)]() mutable {
        ::sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
        std::span<const std::byte> rest(bytes);
        while (!rest.empty()) {
            const auto count = ::write(out.get(), rest.data(), rest.size());
            if (count < 0) break;
            rest = rest.subspan(static_cast<std::size_t>(count));
        }
        out.reset();
    }) {}
    ~Feeder() { thread_.join(); }

private:
    std::thread thread_;
};

struct Memory final : codec::migration::StreamSink {
    std::map<std::pair<std::uint32_t, std::uint64_t>, Bytes> pages;
    std::map<std::pair<std::uint32_t, std::uint64_t>, int> seen;
    Result<void> head(const codec::migration::StreamHead&) override { return {}; }
    void armed() override {}
    Result<void> page(std::uint32_t block, std::uint64_t page, codec::migration::PageBytes bytes) override {
        ++seen[{block, page}];
        pages[{block, page}] = Bytes(bytes.begin(), bytes.end());
        return {};
    }
    Result<void> zero_page(std::uint32_t block, std::uint64_t page) override {
        ++seen[{block, page}];
        pages.erase({block, page});
        return {};
    }
};

class CaptureFixture : public ::testing::Test {
protected:
    CaptureFixture() {
        if (!files.make_folders("/snapshots")) __builtin_trap();
    }
    Result<CaptureTotals> capture(seam::FileSystem& where, const Bytes& stream, MemoryCompression compression = MemoryCompression::lz4) {
        Pipe pipe;
        const Feeder feeder(std::move(pipe.write), stream);
        STASIS_TRY(auto session, StreamCapture::start(where, std::move(pipe.read), {.path = kPath, .compression = compression}));
        return session->finish(nullptr, nullptr);
    }
    Result<CaptureTotals> capture(const Bytes& stream, MemoryCompression compression = MemoryCompression::lz4) {
        return capture(files, stream, compression);
    }
    Bytes replayed() {
        Pipe pipe;
        Bytes out;
        std::thread reader([&] {
            std::array<std::byte, 65536> piece;
            for (::ssize_t count; (count = ::read(pipe.read.get(), piece.data(), piece.size())) > 0;)
                out.insert(out.end(), piece.begin(), piece.begin() + count);
        });
        const auto totals = replay(files, kPath, pipe.write.get(), nullptr, nullptr);
        pipe.write.reset();
        reader.join();
        EXPECT_TRUE(totals) << totals.error().render();
        EXPECT_EQ(totals ? totals->stream_bytes : 0, out.size());
        return out;
    }
    bool nothing_left() { return files.tree() == std::vector<std::string>{"/snapshots/"}; }

    seam::MemoryFileSystem files;
};

}  // namespace stasis::memory::testing
