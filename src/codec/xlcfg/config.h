// The syntax of xl.cfg(5): KEY=VALUE with numbers, quoted strings and lists, comments from '#' to the end of the line,
// settings apart by newlines or ';'. Text into a plain list of settings, each with its place for error messages.
// Differences from xl are strictness only: a key may be set once, "+=" and lists in lists are refused.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace stasis::codec::xlcfg {

inline constexpr std::size_t kConfigBytesMax = 1u << 20;
inline constexpr std::size_t kConfigItemsMax = 10'000;  ///< settings and list items together

/// Where something stands, both from 1; columns count bytes.
struct Place {
    std::uint32_t line = 1;
    std::uint32_t column = 1;
};

/// A number or a string; xl makes no difference between 512 and "512".
struct Atom {
    std::string text;   ///< without quotes and escapes; a number as written
    Place place;
};

struct Setting {
    std::string key;
    Place place;
    bool is_list = false;
    Atom value;                ///< unless it is a list
    std::vector<Atom> items;   ///< of a list
};

/// In the order of the file. invalid: names `source`, line, column and the rule that is broken.
Result<std::vector<Setting>> parse(std::string_view text, const std::string& source);

/// The invalid Error for something at a place of `source`: "xl.cfg line 3, column 8".
[[nodiscard]] std::unexpected<Error> refuse(const std::string& source, const Place& place, std::string why, std::string next = {});

/// xl's numbers: decimal, octal with a leading 0, hexadecimal with 0x; fits 63 bits.
Result<std::int64_t> number_of(const Atom& atom, const std::string& source);

}  // namespace stasis::codec::xlcfg
