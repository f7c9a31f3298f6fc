// Makes text that others wrote (names, descriptions, documents) safe to print, and measures it. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stasis::cli {

/// `text` with controls, direction marks, line separators and bad UTF-8 written as \xNN, so that a terminal cannot be
/// made to act and columns and lines stay what they are.
[[nodiscard]] std::string printable(std::string_view text);
/// The same, but line feeds and tabs stay: for whole documents.
[[nodiscard]] std::string printable_document(std::string_view text);
/// Columns that well-formed text takes, counting each code point as one.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// "3.2 ms", "1.24 s", "2 min 5 s".
[[nodiscard]] std::string format_duration(std::int64_t micros);
/// "2026-01-01 12:00:00 +0000", local time, as virsh prints it.
[[nodiscard]] std::string format_local_time(std::int64_t unix_micros);
/// "2026-01-01T12:00:00.000000Z".
[[nodiscard]] std::string format_utc_time(std::int64_t unix_micros);

}  // namespace stasis::cli
