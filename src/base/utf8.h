// Strict UTF-8 for text that people and other programs will see: names, messages. Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace stasis {

/// One code point and the number of bytes it takes.
struct CodePoint {
    char32_t value = 0;
    std::size_t length = 0;
};

/// The first code point of `text`; none when it is empty or no well-formed UTF-8 (Unicode table 3-7: no surrogates,
/// no overlong forms, nothing above U+10FFFF).
[[nodiscard]] std::optional<CodePoint> decode_utf8(std::string_view text);

/// False for controls, separators of lines, invisible and direction-changing marks, private use and noncharacters:
/// what makes two names look alike or a terminal act.
[[nodiscard]] bool is_printable(char32_t code_point);
/// White space of any script.
[[nodiscard]] bool is_space(char32_t code_point);

}  // namespace stasis
