// UNIX sockets that pass descriptors: the way to a hypervisor's monitor. Bodies: posix/ and testing/ (a scripted
// peer). A Channel may be read by one thread and written by another.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace stasis::seam {

class Channel {
public:
    virtual ~Channel() = default;
    /// Sends all of `data`, with descriptors on its first byte.
    virtual Result<void> send(std::string_view data, std::span<const int> descriptors) = 0;
    /// Waits up to `wait` and returns what has come, at most 64 KiB; empty text: nothing came in time.
    /// failed "connection closed" at end of stream.
    virtual Result<std::string> receive(std::chrono::milliseconds wait) = 0;
    [[nodiscard]] virtual int poll_descriptor() const = 0;  ///< readable when receive() would not wait; -1: none
};

class ChannelFactory {
public:
    virtual ~ChannelFactory() = default;
    /// Connects; the peer must run as our user or root (denied otherwise). Works for paths of any length.
    virtual Result<std::unique_ptr<Channel>> connect(const std::string& path) = 0;
    /// A listening socket bound to `path`, mode 0600, replacing what is there. Works for paths of any length.
    virtual Result<UniqueFd> listen(const std::string& path) = 0;
};

}  // namespace stasis::seam
