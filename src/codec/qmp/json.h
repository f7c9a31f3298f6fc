// JSON values for QMP: the library's type and readers that never throw. Included only by codec/qmp and
// hypervisor/qemu, so that no other room sees the library. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace stasis::codec::qmp {

using Json = nlohmann::json;

inline constexpr int kJsonDepthMax = 128;  ///< nesting that QEMU never comes near

/// invalid: not one JSON value, or nested deeper than kJsonDepthMax.
Result<Json> parse_json(std::string_view text);
/// One line, bytes that are not UTF-8 replaced.
[[nodiscard]] std::string to_text(const Json& value);

/// The member of an object, or nullptr when `value` is no object or has none of that name.
[[nodiscard]] const Json* member(const Json& value, std::string_view name);
/// The string member; empty when absent or of another type.
[[nodiscard]] std::string text_of(const Json& value, std::string_view name);
/// The integer member; none when absent, of another type or out of range.
[[nodiscard]] std::optional<std::int64_t> integer_of(const Json& value, std::string_view name);
/// The boolean member; `otherwise` when absent or of another type.
[[nodiscard]] bool flag_of(const Json& value, std::string_view name, bool otherwise = false);
/// The array member, or an empty array.
[[nodiscard]] const Json& list_of(const Json& value, std::string_view name);
/// `value` itself when it is an array, or an empty array.
[[nodiscard]] const Json& as_list(const Json& value);

}  // namespace stasis::codec::qmp
