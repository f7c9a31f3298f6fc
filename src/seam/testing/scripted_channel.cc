#include "seam/testing/scripted_channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include <fmt/format.h>

namespace stasis::seam {

namespace {

constexpr std::size_t kReceiveBytesMax = 64 << 10;

class ScriptedChannel final : public Channel {
public:
    explicit ScriptedChannel(std::shared_ptr<ScriptedPeer> peer) : peer_(std::move(peer)) {}
    Result<void> send(std::string_view data, std::span<const int> descriptors) override {
        return peer_->take(data, descriptors);
    }
    Result<std::string> receive(std::chrono::milliseconds) override { return peer_->give(); }
    int poll_descriptor() const override { return -1; }

private:
    std::shared_ptr<ScriptedPeer> peer_;
};

}  // namespace

ScriptedPeer& ScriptedPeer::say(std::string text) {
    script_.push_back({Act::say, std::move(text), {}});
    advance();
    return *this;
}

ScriptedPeer& ScriptedPeer::expect(std::string part, std::string answer) {
    return expect_with(std::move(part), [answer = std::move(answer)](const std::string&) { return answer; });
}

ScriptedPeer& ScriptedPeer::expect_with(std::string part, std::function<std::string(const std::string&)> answer) {
    script_.push_back({Act::expect, std::move(part), std::move(answer)});
    return *this;
}

ScriptedPeer& ScriptedPeer::hang_up() {
    script_.push_back({Act::hang_up, {}, {}});
    advance();
    return *this;
}

// Plays everything up to the next line that must be heard.
void ScriptedPeer::advance() {
    while (!script_.empty() && script_.front().act != Act::expect) {
        if (script_.front().act == Act::say) outgoing_ += script_.front().part;
        if (script_.front().act == Act::hang_up) hung_up_ = true;
        script_.pop_front();
    }
}

Result<void> ScriptedPeer::take_line(const std::string& line) {
    lines_.push_back(line);
    if (script_.empty() || line.find(script_.front().part) == std::string::npos) {
        mismatches_.push_back(
            fmt::format("expected {}, got {}", script_.empty() ? "nothing" : script_.front().part, line));
        return fail(ErrorKind::invalid, "follow script", {}, mismatches_.back());
    }
    outgoing_ += script_.front().answer(line);
    script_.pop_front();
    advance();
    return {};
}

Result<void> ScriptedPeer::take(std::string_view data, std::span<const int> descriptors) {
    if (hung_up_) return fail(ErrorKind::failed, "send to", "peer", "connection closed");
    for (const int descriptor : descriptors) {
        UniqueFd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
        if (!copy) return fail_errno(errno, "send descriptor to", "peer");
        descriptors_.push_back(std::move(copy));
    }
    incoming_ += data;
    for (auto end = incoming_.find('\n'); end != std::string::npos; end = incoming_.find('\n')) {
        const auto line = incoming_.substr(0, end);
        incoming_.erase(0, end + 1);
        STASIS_CHECK(take_line(line));
    }
    return {};
}

Result<std::string> ScriptedPeer::give() {
    if (outgoing_.empty() && hung_up_) return fail(ErrorKind::failed, "receive from", "peer", "connection closed");
    auto piece = outgoing_.substr(0, kReceiveBytesMax);
    outgoing_.erase(0, piece.size());
    return piece;
}

void ScriptedChannelFactory::place(const std::string& path, std::shared_ptr<ScriptedPeer> peer) {
    peers_[path].push_back(std::move(peer));
}

Result<std::unique_ptr<Channel>> ScriptedChannelFactory::connect(const std::string& path) {
    auto& waiting = peers_[path];
    if (waiting.empty()) return fail_errno(ENOENT, "connect to", path);
    auto channel = make_scripted_channel(std::move(waiting.front()));
    waiting.pop_front();
    return channel;
}

Result<UniqueFd> ScriptedChannelFactory::listen(const std::string& path) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno(errno, "listen at", path);
    const UniqueFd unused(ends[1]);
    listened_.push_back(path);
    return UniqueFd(ends[0]);
}

std::unique_ptr<Channel> make_scripted_channel(std::shared_ptr<ScriptedPeer> peer) {
    return std::make_unique<ScriptedChannel>(std::move(peer));
}

}  // namespace stasis::seam
