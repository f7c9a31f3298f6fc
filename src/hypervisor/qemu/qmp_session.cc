#include "hypervisor/qemu/qmp_session.h"

#include <algorithm>

#include <fmt/format.h>

namespace stasis::hypervisor::qemu {

using codec::qmp::Message;
using codec::qmp::MessageKind;

namespace {

constexpr Millis kSlice{100};  ///< how often a wait looks at its cancel token

ErrorKind kind_of(const Message& message) {
    if (message.error_class == "CommandNotFound") return ErrorKind::unsupported;
    if (message.error_class == "DeviceNotFound") return ErrorKind::not_found;
    return kind_of_words(message.description);
}

}  // namespace

ErrorKind kind_of_words(std::string_view words) {
    const auto says = [&](std::string_view phrase) { return words.find(phrase) != std::string_view::npos; };
    if (says("No space left on device") || says("Disk quota exceeded")) return ErrorKind::no_space;
    if (says("\" lock")) return ErrorKind::busy;
    if (says("Permission denied")) return ErrorKind::denied;
    if (says("No such file or directory")) return ErrorKind::not_found;
    return ErrorKind::failed;
}

Result<std::unique_ptr<QmpSession>> QmpSession::open(std::unique_ptr<seam::Channel> channel, const seam::Clock& clock,
                                                     SessionOptions options) {
    std::unique_ptr<QmpSession> session(new QmpSession(std::move(channel), clock, std::move(options)));
    STASIS_CHECK(session->handshake());
    return session;
}

Result<void> QmpSession::handshake() {
    const auto deadline = clock_.steady() + options_.greeting_wait;
    while (true) {
        STASIS_TRY(const auto message, receive(deadline));
        if (!message)
            return fail(ErrorKind::busy, "talk to QEMU", options_.subject,
                        "its monitor did not greet within " + std::to_string(options_.greeting_wait.count()) + " ms",
                        "wait for the other command on this guest to end, and try again");
        if (message->kind != MessageKind::greeting) continue;
        version_ = message->version;
        // Greeted by QEMU's monitor thread; this one is for its main loop, which may be the one that is stuck.
        STASIS_CHECK(execute_within(options_.greeting_wait, "qmp_capabilities"));
        return {};
    }
}

std::unexpected<Error> QmpSession::lost(Error cause) {
    dead_ = true;
    std::string why = "its monitor connection ended";
    const std::string tail = options_.log_tail ? options_.log_tail() : std::string();
    if (!tail.empty()) why += "; its log ends: " + tail;
    auto error = fail(ErrorKind::failed, "talk to QEMU", options_.subject, std::move(why));
    error.error().cause = std::make_shared<const Error>(std::move(cause));
    return error;
}

/// The next message, or none at the deadline.
Result<std::optional<Message>> QmpSession::receive(std::chrono::nanoseconds deadline) {
    while (true) {
        if (const auto line = framer_.next()) {
            auto message = codec::qmp::parse_message(*line);
            if (!message) return lost(std::move(message).error());
            return std::optional<Message>(*std::move(message));
        }
        if (dead_) return lost(Error{.why = "it was lost before"});
        const auto left = std::chrono::ceil<Millis>(deadline - clock_.steady());
        if (left <= Millis::zero()) return std::optional<Message>();
        auto bytes = channel_->receive(left);
        if (!bytes) return lost(std::move(bytes).error());
        if (auto pushed = framer_.push(*bytes); !pushed) return lost(std::move(pushed).error());
    }
}

/// Takes one message in; false at the deadline.
Result<bool> QmpSession::pump(std::chrono::nanoseconds deadline) {
    STASIS_TRY(auto message, receive(deadline));
    if (!message) return false;
    if (message->kind == MessageKind::event) {
        if (events_.size() >= kEventsKeptMax) events_.pop_front();
        events_.push_back({std::move(message->event), std::move(message->data), message->timestamp_us});
    } else if (message->id) {
        replies_.insert_or_assign(*message->id, *std::move(message));
    }
    return true;
}

Result<std::int64_t> QmpSession::send(const std::string& command, Json arguments, std::span<const int> descriptors) {
    const std::int64_t id = ++last_id_;
    const std::string line = codec::qmp::command_line({command, std::move(arguments), false}, id);
    if (auto sent = channel_->send(line, descriptors); !sent) return lost(std::move(sent).error());
    return id;
}

Result<Json> QmpSession::reply(std::int64_t id, const std::string& command, Millis wait) {
    const auto deadline = clock_.steady() + wait;
    while (!replies_.contains(id)) {
        STASIS_TRY(const bool more, pump(deadline));
        if (!more)
            return fail(ErrorKind::busy, "have QEMU do " + command, options_.subject,
                        "it did not answer within " + std::to_string(wait.count()) + " ms");
    }
    Message message = std::move(replies_.extract(id).mapped());
    if (message.kind == MessageKind::error)
        return fail(kind_of(message), "have QEMU do " + command, options_.subject, message.description);
    return std::move(message.data);
}

Result<Json> QmpSession::execute(const std::string& command, Json arguments, std::span<const int> descriptors) {
    STASIS_TRY(const std::int64_t id, send(command, std::move(arguments), descriptors));
    return reply(id, command);
}

Result<Json> QmpSession::execute_within(Millis wait, const std::string& command, Json arguments) {
    STASIS_TRY(const std::int64_t id, send(command, std::move(arguments)));
    return reply(id, command, wait);
}

Result<std::optional<Event>> QmpSession::wait_event(const std::function<bool(const Event&)>& wanted, Millis wait,
                                                    const CancelToken* cancel) {
    const auto deadline = clock_.steady() + wait;
    while (true) {
        while (!events_.empty()) {
            Event event = std::move(events_.front());
            events_.pop_front();
            if (wanted(event)) return std::optional<Event>(std::move(event));
        }
        if (cancel != nullptr && cancel->cancelled())
            return fail(ErrorKind::interrupted, "wait for QEMU", options_.subject, "it was cancelled");
        if (clock_.steady() >= deadline) return std::optional<Event>();
        STASIS_CHECK(pump(std::min(deadline, clock_.steady() + kSlice)));
    }
}

}  // namespace stasis::hypervisor::qemu
