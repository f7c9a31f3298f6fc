#include "codec/qmp/json.h"

#include <limits>

namespace stasis::codec::qmp {
namespace {

/// Whether brackets outside strings nest deeper than allowed. Done before parsing: the library's own printing and
/// copying recurse.
bool too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kJsonDepthMax) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

const Json& empty_list() {
    static const Json empty = Json::array();
    return empty;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
    if (too_deep(text)) return fail(ErrorKind::invalid, "read JSON", {}, "it is nested too deeply");
    auto value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) return fail(ErrorKind::invalid, "read JSON", {}, "it is not valid JSON");
    return value;
}

std::string to_text(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

const Json* member(const Json& value, std::string_view name) {
    if (!value.is_object()) return nullptr;
    const auto found = value.find(name);
    return found == value.end() ? nullptr : &*found;
}

std::string text_of(const Json& value, std::string_view name) {
    const Json* found = member(value, name);
    return found != nullptr && found->is_string() ? *found->get_ptr<const std::string*>() : std::string();
}

std::optional<std::int64_t> integer_of(const Json& value, std::string_view name) {
    const Json* found = member(value, name);
    if (found == nullptr || !found->is_number_integer()) return std::nullopt;
    if (found->is_number_unsigned() &&
        found->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return std::nullopt;
    return found->get<std::int64_t>();
}

bool flag_of(const Json& value, std::string_view name, bool otherwise) {
    const Json* found = member(value, name);
    return found != nullptr && found->is_boolean() ? found->get<bool>() : otherwise;
}

const Json& list_of(const Json& value, std::string_view name) {
    const Json* found = member(value, name);
    return found != nullptr ? as_list(*found) : empty_list();
}

const Json& as_list(const Json& value) { return value.is_array() ? value : empty_list(); }

}  // namespace stasis::codec::qmp
