// A real pipe and a real process: that is what the guard is about.
#include "hypervisor/qemu/drain_guard.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include <gtest/gtest.h>

namespace stasis::hypervisor::qemu {
namespace {

constexpr int kWaitMs = 20'000;

class DrainGuardTest : public testing::Test {
protected:
    DrainGuardTest() {
        ::signal(SIGPIPE, SIG_IGN);
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        read_end_.reset(ends[0]);
        write_end_.reset(ends[1]);
        auto guard = DrainGuard::start(read_end_.get());
        EXPECT_TRUE(guard) << guard.error().render();
        if (guard) guard_ = *std::move(guard);
        EXPECT_EQ(::fcntl(write_end_.get(), F_SETFL, O_NONBLOCK), 0);
    }
    /// Writes until nothing more fits.
    std::size_t fill() {
        const std::string piece(4096, 'x');
        std::size_t written = 0;
        while (::write(write_end_.get(), piece.data(), piece.size()) > 0) written += piece.size();
        return written;
    }
    UniqueFd read_end_, write_end_;
    DrainGuard guard_;
};

TEST_F(DrainGuardTest, reads_nothing_while_it_is_held) {
    EXPECT_GE(fill(), 4096u);
    pollfd room{write_end_.get(), POLLOUT, 0};
    EXPECT_EQ(::poll(&room, 1, 100), 0);
}

TEST_F(DrainGuardTest, reads_on_when_the_tool_lets_go_and_nobody_else_reads) {
    EXPECT_GE(fill(), 4096u);
    read_end_.reset();
    guard_.drain();
    std::size_t more = 0;
    while (more < (4u << 20)) {
        pollfd room{write_end_.get(), POLLOUT, 0};
        ASSERT_EQ(::poll(&room, 1, kWaitMs), 1) << "after " << more;
        ASSERT_EQ(room.revents & POLLERR, 0) << "the writer lost its reader after " << more;
        more += fill();
    }
}

TEST_F(DrainGuardTest, ends_when_dismissed) {
    read_end_.reset();
    guard_.dismiss();
    pollfd gone{write_end_.get(), 0, 0};
    ASSERT_EQ(::poll(&gone, 1, kWaitMs), 1);
    EXPECT_NE(gone.revents & POLLERR, 0);
}

}  // namespace
}  // namespace stasis::hypervisor::qemu
