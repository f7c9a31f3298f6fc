#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seam/posix/posix.h"
#include "seam/testing/temp_folder.h"

namespace stasis::seam {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

template <class T>
std::string outcome(const Result<T>& result) {
    return result ? "value" : std::string(to_string(result.error().kind));
}

class ChannelTest : public ::testing::Test {
protected:
    TempFolder folder;
    std::unique_ptr<ChannelFactory> factory = make_posix_channel_factory();
    std::unique_ptr<FileSystem> files = make_posix_file_system();

    static UniqueFd accepted(const UniqueFd& listener) {
        return UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    // Two ends of one connection.
    void expect_talk(const std::string& path) {
        const auto listener = factory->listen(path);
        ASSERT_TRUE(listener) << listener.error().render();
        const auto client = factory->connect(path);
        ASSERT_TRUE(client) << client.error().render();
        const auto server = make_posix_channel(accepted(*listener));
        ASSERT_TRUE((*client)->send("ping", {}));
        EXPECT_EQ(server->receive(10s).value(), "ping");
        ASSERT_TRUE(server->send("pong", {}));
        EXPECT_EQ((*client)->receive(10s).value(), "pong");
    }
};

std::pair<std::unique_ptr<Channel>, UniqueFd> channel_and_peer() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return {make_posix_channel(UniqueFd(ends[0])), UniqueFd(ends[1])};
}

TEST_F(ChannelTest, talks_both_ways) { expect_talk(folder.at("s")); }

TEST_F(ChannelTest, paths_may_be_of_any_length) {
    const auto deep = folder.at(std::string(100, 'a') + "/" + std::string(100, 'b'));
    ASSERT_TRUE(files->make_folders(deep));
    expect_talk(deep + "/s");
    expect_talk(deep + "/" + std::string(200, 'c'));
    for (std::size_t length = 90; length < 120; ++length) {  // around the 108 bytes of an address
        const auto name = std::string(length - folder.path().size(), 'n');
        expect_talk(folder.at(name));
    }
}

TEST_F(ChannelTest, a_listening_socket_is_private_whatever_the_umask_and_replaces_what_is_there) {
    ASSERT_TRUE(replace_file(*files, folder.at("s"), "in the way"));
    for (const ::mode_t mask : {0u, 0777u}) {
        const auto before = ::umask(mask);
        const auto listener = factory->listen(folder.at("s"));
        ::umask(before);
        ASSERT_TRUE(listener) << listener.error().render();
        EXPECT_EQ(files->stat(folder.at("s"))->mode, 0600u);
        EXPECT_NE(::fcntl(listener->get(), F_GETFD) & FD_CLOEXEC, 0);
        EXPECT_TRUE(factory->connect(folder.at("s")));
    }
    EXPECT_THAT(files->list_folder(folder.path()).value(), ElementsAre("s"));
}

TEST_F(ChannelTest, a_refused_listen_leaves_nothing) {
    ASSERT_TRUE(files->make_folders(folder.at("s")));
    EXPECT_FALSE(factory->listen(folder.at("s"))) << "a folder is not replaced";
    EXPECT_THAT(files->list_folder(folder.path()).value(), ElementsAre("s"));
    EXPECT_EQ(outcome(factory->listen(folder.at("no/s"))), "not_found");
    EXPECT_EQ(outcome(factory->listen("s")), "invalid");
}

TEST_F(ChannelTest, connecting_to_nobody_fails) {
    EXPECT_EQ(outcome(factory->connect(folder.at("no"))), "not_found");
    EXPECT_EQ(outcome(factory->connect("relative")), "invalid");
    (void)factory->listen(folder.at("s"));  // closed at once
    EXPECT_EQ(outcome(factory->connect(folder.at("s"))), "failed");
    ASSERT_TRUE(replace_file(*files, folder.at("file"), ""));
    EXPECT_FALSE(factory->connect(folder.at("file")));
}

TEST_F(ChannelTest, a_planted_symlink_is_not_followed) {
    const auto listener = factory->listen(folder.at("s"));
    ASSERT_EQ(::symlink(folder.at("s").c_str(), folder.at("link").c_str()), 0);
    EXPECT_FALSE(factory->connect(folder.at("link")));
}

TEST_F(ChannelTest, a_peer_of_another_user_is_denied) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
    ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
    int ready[2];
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    const ::pid_t other = ::fork();
    if (other == 0) {
        const bool listening = ::setuid(65534) == 0 && [&] {
            static const auto listener = make_posix_channel_factory()->listen(folder.at("s"));
            return listener.has_value();
        }();
        (void)!::write(ready[1], listening ? "y" : "n", 1);
        for (;;) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y');
    const auto channel = factory->connect(folder.at("s"));
    EXPECT_EQ(outcome(channel), "denied");
    EXPECT_THAT(channel ? "" : channel.error().why, HasSubstr("65534"));
    ::kill(other, SIGKILL);
    ::waitpid(other, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_F(ChannelTest, silence_is_empty_text_and_the_end_is_an_error) {
    auto [channel, peer] = channel_and_peer();
    EXPECT_EQ(channel->receive(0ms).value(), "");
    EXPECT_EQ(channel->receive(20ms).value(), "");
    ASSERT_EQ(::send(peer.get(), "last", 4, MSG_NOSIGNAL), 4);
    peer.reset();
    EXPECT_EQ(channel->receive(10s).value(), "last");
    const auto end = channel->receive(10s);
    ASSERT_EQ(outcome(end), "failed");
    EXPECT_EQ(end.error().why, "connection closed");
    const auto sent = channel->send("x", {});  // without SIGPIPE, which would end this test
    ASSERT_EQ(outcome(sent), "failed");
    EXPECT_EQ(sent.error().why, "connection closed");
}

TEST_F(ChannelTest, large_data_arrives_whole_in_pieces_of_at_most_64_kib) {
    auto [channel, peer] = channel_and_peer();
    std::string data(3 << 20, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 2654435761u >> 24);
    const auto reader = make_posix_channel(std::move(peer));
    auto sending = std::async(std::launch::async, [&] { return channel->send(data, {}); });
    std::string got;
    while (got.size() < data.size()) {
        const auto piece = reader->receive(10s);
        ASSERT_TRUE(piece && !piece->empty());
        ASSERT_LE(piece->size(), 64u << 10);
        got += *piece;
    }
    EXPECT_TRUE(sending.get());
    EXPECT_TRUE(got == data);
}

TEST_F(ChannelTest, descriptors_travel_once_on_the_first_byte) {
    auto [channel, peer] = channel_and_peer();
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    ASSERT_TRUE(channel->send("fd", std::span<const int>(&ends[1], 1)));
    write_end.reset();

    char data[16];
    alignas(::cmsghdr) char control[256];
    ::iovec piece{data, sizeof data};
    ::msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ASSERT_EQ(::recvmsg(peer.get(), &message, MSG_CMSG_CLOEXEC), 2);
    const ::cmsghdr* const header = CMSG_FIRSTHDR(&message);
    ASSERT_NE(header, nullptr);
    ASSERT_EQ(header->cmsg_len, CMSG_LEN(sizeof(int)));
    int number = -1;
    std::memcpy(&number, CMSG_DATA(header), sizeof number);
    const UniqueFd received(number);
    ASSERT_EQ(::write(received.get(), "z", 1), 1);
    char byte = 0;
    ASSERT_EQ(::read(read_end.get(), &byte, 1), 1);
    EXPECT_EQ(byte, 'z');
}

TEST_F(ChannelTest, refuses_descriptors_that_cannot_travel) {
    auto [channel, peer] = channel_and_peer();
    const int one = 0;
    EXPECT_EQ(outcome(channel->send("", std::span<const int>(&one, 1))), "invalid");
    const std::vector<int> many(254, 0);
    EXPECT_EQ(outcome(channel->send("x", many)), "invalid");
    const int closed = 999;
    EXPECT_EQ(outcome(channel->send("x", std::span<const int>(&closed, 1))), "failed");
    EXPECT_TRUE(channel->send("", {}));
}

TEST_F(ChannelTest, descriptors_from_the_peer_do_not_stay_open) {
    auto [channel, peer] = channel_and_peer();
    const auto other = make_posix_channel(std::move(peer));
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd read_end(ends[0]);
    ASSERT_TRUE(other->send("x", std::span<const int>(&ends[1], 1)));
    ::close(ends[1]);
    EXPECT_EQ(channel->receive(10s).value(), "x");
    char byte = 0;
    EXPECT_EQ(::read(read_end.get(), &byte, 1), 0) << "nobody has the write end any more";
}

TEST_F(ChannelTest, can_be_polled) {
    auto [channel, peer] = channel_and_peer();
    EXPECT_GE(channel->poll_descriptor(), 0);
}

}  // namespace
}  // namespace stasis::seam
