#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace stasis {

namespace {

struct Range {
    char32_t first;
    char32_t last;
};

constexpr std::array kNotPrintable{
    Range{0x0000, 0x001f},   Range{0x007f, 0x009f},     // controls
    Range{0x00ad, 0x00ad},                              // soft hyphen: invisible
    Range{0x061c, 0x061c},                              // Arabic letter mark
    Range{0x115f, 0x1160},                              // Hangul fillers
    Range{0x180e, 0x180e},                              // Mongolian vowel separator
    Range{0x200b, 0x200f},   Range{0x2028, 0x202e},     // zero width, separators, direction
    Range{0x2060, 0x206f},                              // word joiner, isolates
    Range{0x3164, 0x3164},                              // Hangul filler
    Range{0xd800, 0xf8ff},                              // surrogates, private use
    Range{0xfdd0, 0xfdef},                              // noncharacters
    Range{0xfeff, 0xfeff},   Range{0xffa0, 0xffa0},     // byte order mark, half-width filler
    Range{0xfff0, 0xfffb},                              // specials
    Range{0xe0000, 0x10ffff},                           // tags, private planes
};

constexpr std::array kSpaces{
    Range{0x0009, 0x000d}, Range{0x0020, 0x0020}, Range{0x0085, 0x0085}, Range{0x00a0, 0x00a0}, Range{0x1680, 0x1680},
    Range{0x2000, 0x200a}, Range{0x2028, 0x2029}, Range{0x202f, 0x202f}, Range{0x205f, 0x205f}, Range{0x3000, 0x3000},
};

template <std::size_t N>
bool contains(const std::array<Range, N>& ranges, char32_t value) {
    return std::ranges::any_of(ranges, [&](const Range& range) { return value >= range.first && value <= range.last; });
}

// Length of the sequence that `lead` begins and the smallest value that needs it; length 0: no lead byte.
CodePoint shape_of(std::uint8_t lead) {
    if (lead < 0x80) return {0, 1};
    if (lead >= 0xc2 && lead <= 0xdf) return {0x80, 2};
    if (lead >= 0xe0 && lead <= 0xef) return {0x800, 3};
    if (lead >= 0xf0 && lead <= 0xf4) return {0x10000, 4};
    return {0, 0};
}

}  // namespace

std::optional<CodePoint> decode_utf8(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const auto lead = static_cast<std::uint8_t>(text[0]);
    const auto [smallest, length] = shape_of(lead);
    if (length == 0 || length > text.size()) return std::nullopt;
    char32_t value = length == 1 ? lead : lead & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<std::uint8_t>(text[i]);
        if ((next & 0xc0) != 0x80) return std::nullopt;
        value = (value << 6) | (next & 0x3fu);
    }
    const bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < smallest || value > 0x10ffff || surrogate) return std::nullopt;
    return CodePoint{value, length};
}

bool is_printable(char32_t code_point) {
    const bool noncharacter = (code_point & 0xfffe) == 0xfffe;
    return !noncharacter && !contains(kNotPrintable, code_point);
}

bool is_space(char32_t code_point) { return contains(kSpaces, code_point); }

}  // namespace stasis
