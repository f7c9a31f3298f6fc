// One conversation with QEMU over one monitor socket: handshake, commands and their replies, events with QEMU's own
// timestamps. Synchronous, every wait has a limit, and QEMU's death becomes an error that quotes its log.
// Owns its channel; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <stasis/progress.h>

#include "base/result.h"
#include "codec/qmp/line_framer.h"
#include "codec/qmp/message.h"
#include "seam/channel.h"
#include "seam/clock.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::Json;
using Millis = std::chrono::milliseconds;

inline constexpr std::size_t kEventsKeptMax = 4096;  ///< the oldest are dropped

/// What QEMU's words, in a reply or its log, mean for the caller: QMP's own error classes say almost nothing.
[[nodiscard]] ErrorKind kind_of_words(std::string_view words);

struct SessionOptions {
    /// For each half of the handshake. QEMU serves one client per socket: longer means that somebody else is there.
    Millis greeting_wait{5'000};
    Millis command_wait{30'000};          ///< for each reply
    std::string subject;                  ///< for messages: "guest <uuid>"
    std::function<std::string()> log_tail;  ///< QEMU's last words; may be empty
};

struct Event {
    std::string name;
    Json data;
    std::int64_t timestamp_us = 0;
};

class QmpSession {
public:
    /// Greeting and capabilities. busy: no greeting in time.
    static Result<std::unique_ptr<QmpSession>> open(std::unique_ptr<seam::Channel> channel, const seam::Clock& clock,
                                                    SessionOptions options);

    /// Sends a command and waits for what it returns. QEMU's refusal is an Error with its words.
    Result<Json> execute(const std::string& command, Json arguments = nullptr, std::span<const int> descriptors = {});
    Result<Json> execute_within(Millis wait, const std::string& command, Json arguments = nullptr);
    /// Sends without waiting; the reply is asked for later. For commands that must follow each other at once.
    Result<std::int64_t> send(const std::string& command, Json arguments = nullptr, std::span<const int> descriptors = {});
    Result<Json> reply(std::int64_t id, const std::string& command, Millis wait);
    Result<Json> reply(std::int64_t id, const std::string& command) { return reply(id, command, options_.command_wait); }

    /// The first kept or coming event that `wanted` accepts; it and all before it are dropped. none: not in time.
    /// interrupted: cancelled.
    Result<std::optional<Event>> wait_event(const std::function<bool(const Event&)>& wanted, Millis wait,
                                            const CancelToken* cancel = nullptr);
    void forget_events() { events_.clear(); }

    [[nodiscard]] const codec::qmp::Version& version() const { return version_; }
    [[nodiscard]] bool dead() const { return dead_; }  ///< the connection is lost: of no more use

private:
    QmpSession(std::unique_ptr<seam::Channel> channel, const seam::Clock& clock, SessionOptions options)
        : channel_(std::move(channel)), clock_(clock), options_(std::move(options)) {}
    Result<void> handshake();
    Result<std::optional<codec::qmp::Message>> receive(std::chrono::nanoseconds deadline);
    Result<bool> pump(std::chrono::nanoseconds deadline);
    [[nodiscard]] std::unexpected<Error> lost(Error cause);

    std::unique_ptr<seam::Channel> channel_;
    const seam::Clock& clock_;
    SessionOptions options_;
    codec::qmp::LineFramer framer_;
    codec::qmp::Version version_;
    std::map<std::int64_t, codec::qmp::Message> replies_;
    std::deque<Event> events_;
    std::int64_t last_id_ = 0;
    bool dead_ = false;
};

}  // namespace stasis::hypervisor::qemu
