#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include <fmt/format.h>

#include "base/undo.h"
#include "seam/posix/posix.h"
#include "seam/posix/system.h"

namespace stasis::seam {

namespace {

using namespace posix;

constexpr std::size_t kReceiveBytesMax = 64 << 10;
constexpr std::size_t kDescriptorsMax = 253;  // SCM_MAX_FD of the kernel
constexpr int kBacklog = 16;
constexpr ::timeval kSendTimeLimit{30, 0};  // a peer that neither accepts nor reads for so long is not coming back
constexpr const char* kSend = "send to";
constexpr const char* kReceive = "receive from";
constexpr const char* kPeer = "peer";

std::unexpected<Error> closed(const char* attempted) {
    return fail(ErrorKind::failed, attempted, kPeer, "connection closed");
}

class PosixChannel final : public Channel {
public:
    explicit PosixChannel(UniqueFd socket) : socket_(std::move(socket)) {}

    Result<void> send(std::string_view data, std::span<const int> descriptors) override {
        if (data.empty() && !descriptors.empty())
            return fail(ErrorKind::invalid, kSend, kPeer, "descriptors need at least one byte to travel on");
        if (descriptors.size() > kDescriptorsMax)
            return fail(ErrorKind::invalid, kSend, kPeer, fmt::format("more than {} descriptors", kDescriptorsMax));
        while (!data.empty()) {
            const auto count = send_some(data, descriptors);
            if (count < 0) return send_error(errno);
            data.remove_prefix(static_cast<std::size_t>(count));
            descriptors = {};
        }
        return {};
    }

    Result<std::string> receive(std::chrono::milliseconds wait) override {
        const Deadline deadline(wait);
        std::string data(kReceiveBytesMax, '\0');
        for (;;) {
            const auto count = retrying([&] { return ::recv(socket_.get(), data.data(), data.size(), MSG_DONTWAIT); });
            if (count > 0) {
                data.resize(static_cast<std::size_t>(count));
                return data;
            }
            if (count == 0 || errno == ECONNRESET) return closed(kReceive);
            if (errno != EAGAIN) return fail_errno(errno, kReceive, kPeer);
            if (deadline.passed()) return std::string();
            ::pollfd ready{socket_.get(), POLLIN, 0};
            if (::poll(&ready, 1, deadline.poll_ms()) < 0 && errno != EINTR) return fail_errno(errno, kReceive, kPeer);
        }
    }

    int poll_descriptor() const override { return socket_.get(); }

private:
    ::ssize_t send_some(std::string_view data, std::span<const int> descriptors) {
        ::iovec piece{const_cast<char*>(data.data()), data.size()};
        ::msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        alignas(::cmsghdr) std::array<char, CMSG_SPACE(kDescriptorsMax * sizeof(int))> control{};
        if (!descriptors.empty()) {
            message.msg_control = control.data();
            message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
            ::cmsghdr* const header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
            std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
        }
        return retrying([&] { return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL); });
    }

    static std::unexpected<Error> send_error(int reason) {
        if (reason == EPIPE || reason == ECONNRESET) return closed(kSend);
        if (reason == EAGAIN)
            return fail(ErrorKind::busy, kSend, kPeer, fmt::format("it has not read for {} s", kSendTimeLimit.tv_sec));
        return fail_errno(reason, kSend, kPeer);
    }

    UniqueFd socket_;
};

// An address of at most 107 bytes; the caller has seen to that.
::sockaddr_un address_of(const std::string& path) {
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

Result<UniqueFd> make_client_socket(const std::string& path) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // The limit holds for connect() too, which waits when the listener's backlog is full.
    if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendTimeLimit, sizeof kSendTimeLimit) != 0)
        return fail_errno(errno, "connect to", path);
    return socket;
}

Result<void> check_peer(int socket, const std::string& path) {
    ::ucred peer{};
    ::socklen_t length = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return fail_errno(errno, "connect to", path);
    if (peer.uid == ::geteuid() || peer.uid == 0) return {};
    return fail(ErrorKind::denied, "connect to", path, fmt::format("the peer runs as user {}, not as us or root", peer.uid),
                "look who made that socket");
}

// Listens under a private temporary name and renames: whoever looks at `path` finds the old socket or a complete new one.
Result<void> listen_private(int socket, const std::string& path) {
    const auto slash = path.rfind('/');
    const auto folder = path.substr(0, slash + 1);
    const UniqueFd opened(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!opened) return fail_errno(errno, "listen at", path);
    const auto name = fmt::format(".{:.8}.sock", Uuid::random().str());
    const auto direct = folder + name;
    const bool fits = direct.size() < sizeof(::sockaddr_un::sun_path);
    const auto address = address_of(fits ? direct : fmt::format("/proc/self/fd/{}/{}", opened.get(), name));
    // The socket's own mode is what bind() makes the file with, less the umask; chmod gives that back.
    if (::fchmod(socket, 0600) != 0 || ::bind(socket, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0)
        return fail_errno(errno, "listen at", path);
    Undo undo([&] { ::unlinkat(opened.get(), name.c_str(), 0); });
    if (::fchmodat(opened.get(), name.c_str(), 0600, 0) != 0 || ::listen(socket, kBacklog) != 0 ||
        ::renameat(opened.get(), name.c_str(), AT_FDCWD, path.c_str()) != 0)
        return fail_errno(errno, "listen at", path);
    undo.dismiss();
    return {};
}

class PosixChannelFactory final : public ChannelFactory {
public:
    Result<std::unique_ptr<Channel>> connect(const std::string& path) override {
        STASIS_CHECK(check_path("connect to", path));
        // Through the opened socket itself the path may have any length, and the last part cannot be a symlink.
        const UniqueFd target(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!target) return fail_errno(errno, "connect to", path);
        STASIS_TRY(auto socket, make_client_socket(path));
        const auto address = address_of(fmt::format("/proc/self/fd/{}", target.get()));
        if (retrying([&] {
                return ::connect(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address);
            }) != 0)
            return fail_errno(errno, "connect to", path);
        STASIS_CHECK(check_peer(socket.get(), path));
        return std::make_unique<PosixChannel>(std::move(socket));
    }

    Result<UniqueFd> listen(const std::string& path) override {
        STASIS_CHECK(check_path("listen at", path));
        UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!socket) return fail_errno(errno, "listen at", path);
        STASIS_CHECK(listen_private(socket.get(), path));
        return socket;
    }
};

}  // namespace

std::unique_ptr<ChannelFactory> make_posix_channel_factory() { return std::make_unique<PosixChannelFactory>(); }

std::unique_ptr<Channel> make_posix_channel(UniqueFd socket) { return std::make_unique<PosixChannel>(std::move(socket)); }

}  // namespace stasis::seam
