// The messages of QEMU's machine protocol (docs/interop/qmp-spec in QEMU): what comes in as a small value, what goes
// out as one line. Hostile input: line and depth limits apply before. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/qmp/json.h"

namespace stasis::codec::qmp {

enum class MessageKind { greeting, reply, error, event };

struct Version {
    int major = 0;
    int minor = 0;
    int micro = 0;
    [[nodiscard]] std::string str() const;  ///< "7.2.22"
    auto operator<=>(const Version&) const = default;
};

struct Message {
    MessageKind kind = MessageKind::reply;
    std::optional<std::int64_t> id;      ///< of a reply or error
    Json data;                           ///< reply: what was returned; event: its data, or null
    std::string error_class;             ///< error: "GenericError", "CommandNotFound", ...
    std::string description;             ///< error: QEMU's words
    std::string event;                   ///< event: its name
    std::int64_t timestamp_us = 0;       ///< event: microseconds since the epoch, by the host's clock
    Version version;                     ///< greeting
    bool offers_oob = false;             ///< greeting: out-of-band commands can be enabled
};

/// invalid: not JSON, or none of the four kinds of message.
Result<Message> parse_message(std::string_view line);

struct Command {
    std::string name;
    Json arguments;             ///< object, or null for none
    bool out_of_band = false;   ///< "exec-oob": done at once, even while another command runs
};

/// The command as one line with its end.
[[nodiscard]] std::string command_line(const Command& command, std::int64_t id);

}  // namespace stasis::codec::qmp
