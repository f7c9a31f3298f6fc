// A peer that plays a script over a Channel, a line at a time: what it must be told, and what it answers. Channels share
// ownership of the script, so a test may look at it after they are gone. One thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "seam/channel.h"

namespace stasis::seam {

class ScriptedPeer {
public:
    /// Said as soon as it is connected to, or after the exchanges so far.
    ScriptedPeer& say(std::string text);
    /// The next line sent must contain `part`; then `answer` comes back as it is.
    ScriptedPeer& expect(std::string part, std::string answer = {});
    /// The same with an answer made from the line ("echo the id").
    ScriptedPeer& expect_with(std::string part, std::function<std::string(const std::string& line)> answer);
    /// Closes the connection once what comes before has been said and read.
    ScriptedPeer& hang_up();

    [[nodiscard]] bool finished() const { return script_.empty() && mismatches_.empty(); }
    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
    [[nodiscard]] const std::vector<std::string>& mismatches() const { return mismatches_; }
    /// Duplicates of the descriptors that came, in order.
    [[nodiscard]] const std::vector<UniqueFd>& descriptors() const { return descriptors_; }

    // For the channel.
    Result<void> take(std::string_view data, std::span<const int> descriptors);
    Result<std::string> give();

private:
    enum class Act { say, expect, hang_up };
    struct Entry {
        Act act;
        std::string part;
        std::function<std::string(const std::string&)> answer;
    };
    void advance();
    Result<void> take_line(const std::string& line);

    std::deque<Entry> script_;
    std::string incoming_, outgoing_;
    bool hung_up_ = false;
    std::vector<std::string> lines_, mismatches_;
    std::vector<UniqueFd> descriptors_;
};

/// Hands out connections to the peers that a test has placed at paths, each peer once.
class ScriptedChannelFactory final : public ChannelFactory {
public:
    void place(const std::string& path, std::shared_ptr<ScriptedPeer> peer);
    Result<std::unique_ptr<Channel>> connect(const std::string& path) override;
    /// A descriptor of an unconnected socket pair: something to pass on.
    Result<UniqueFd> listen(const std::string& path) override;
    [[nodiscard]] const std::vector<std::string>& listened() const { return listened_; }

private:
    std::map<std::string, std::deque<std::shared_ptr<ScriptedPeer>>> peers_;
    std::vector<std::string> listened_;
};

/// receive() never really waits: what the script has not said by then has not come.
[[nodiscard]] std::unique_ptr<Channel> make_scripted_channel(std::shared_ptr<ScriptedPeer> peer);

}  // namespace stasis::seam
