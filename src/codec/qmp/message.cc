#include "codec/qmp/message.h"

#include <fmt/format.h>

namespace stasis::codec::qmp {
namespace {

std::unexpected<Error> broken(std::string why) {
    return fail(ErrorKind::invalid, "read a QMP message", {}, std::move(why));
}

int version_part(const Json& version, std::string_view name) {
    const auto value = integer_of(version, name).value_or(0);
    return value >= 0 && value <= 1'000'000 ? static_cast<int>(value) : 0;
}

Result<Message> greeting(const Json& body) {
    const Json* version = member(body, "version");
    const Json* qemu = version != nullptr ? member(*version, "qemu") : nullptr;
    if (qemu == nullptr) return broken("the greeting tells no version");
    Message message{.kind = MessageKind::greeting};
    message.version = {version_part(*qemu, "major"), version_part(*qemu, "minor"), version_part(*qemu, "micro")};
    for (const Json& capability : list_of(body, "capabilities")) message.offers_oob |= capability == "oob";
    return message;
}

Result<Message> event(const Json& document) {
    Message message{.kind = MessageKind::event, .event = text_of(document, "event")};
    const Json* time = member(document, "timestamp");
    const auto seconds = time != nullptr ? integer_of(*time, "seconds") : std::nullopt;
    const auto micros = time != nullptr ? integer_of(*time, "microseconds") : std::nullopt;
    // QEMU writes -1 for both when the host's clock failed it.
    const bool sane = seconds && micros && *seconds >= 0 && *seconds < (1LL << 40) && *micros >= 0 && *micros < 1'000'000;
    if (sane) message.timestamp_us = *seconds * 1'000'000 + *micros;
    if (const Json* data = member(document, "data")) message.data = *data;
    return message;
}

Message error(const Json& body) {
    return {.kind = MessageKind::error, .error_class = text_of(body, "class"), .description = text_of(body, "desc")};
}

}  // namespace

std::string Version::str() const { return fmt::format("{}.{}.{}", major, minor, micro); }

Result<Message> parse_message(std::string_view line) {
    STASIS_TRY(const Json document, parse_json(line));
    if (!document.is_object()) return broken("it is not an object");
    if (const Json* body = member(document, "QMP")) return greeting(*body);
    if (const Json* name = member(document, "event"); name != nullptr && name->is_string()) return event(document);
    Message message;
    if (const Json* body = member(document, "return")) {
        message.data = *body;
    } else if (const Json* failure = member(document, "error")) {
        message = error(*failure);
    } else {
        return broken("it is neither greeting, reply, error nor event");
    }
    message.id = integer_of(document, "id");
    return message;
}

std::string command_line(const Command& command, std::int64_t id) {
    Json document = Json::object();
    document[command.out_of_band ? "exec-oob" : "execute"] = command.name;
    if (command.arguments.is_object()) document["arguments"] = command.arguments;
    document["id"] = id;
    return to_text(document) + "\n";
}

}  // namespace stasis::codec::qmp
