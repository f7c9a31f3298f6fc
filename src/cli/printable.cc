#include "cli/printable.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>

#include <fmt/format.h>

namespace stasis::cli {

namespace {

struct Range {
    char32_t first, last;
};

// What a terminal acts on, or what turns or hides text around it.
constexpr std::array<Range, 8> kRefused{{{0x00, 0x1f},
                                         {0x7f, 0x9f},
                                         {0x61c, 0x61c},
                                         {0x200b, 0x200f},
                                         {0x2028, 0x202e},
                                         {0x2060, 0x206f},
                                         {0xfeff, 0xfeff},
                                         {0xfff9, 0xfffb}}};

bool is_refused(char32_t value) {
    return std::ranges::any_of(kRefused, [value](Range range) { return value >= range.first && value <= range.last; });
}

struct Decoded {
    char32_t value = 0;
    std::size_t length = 0;  ///< 0: no well-formed UTF-8
};

std::size_t length_from_lead(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead < 0xe0) return 2;
    if (lead >= 0xe0 && lead < 0xf0) return 3;
    if (lead >= 0xf0 && lead < 0xf5) return 4;
    return 0;
}

Decoded decode(std::string_view text) {
    constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};  // less would be an overlong form
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = length_from_lead(lead);
    if (length == 0 || length > text.size()) return {};
    char32_t value = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0U) != 0x80) return {};
        value = (value << 6) | (next & 0x3fU);
    }
    const bool bad = value < kLeast[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff);
    return bad ? Decoded{} : Decoded{value, length};
}

std::string escaped(std::string_view text, bool keep_lines) {
    std::string result;
    while (!text.empty()) {
        const Decoded point = decode(text);
        const std::size_t length = std::max<std::size_t>(point.length, 1);
        const bool kept = keep_lines && (text[0] == '\n' || text[0] == '\t');
        if (point.length != 0 && (kept || !is_refused(point.value)))
            result += text.substr(0, length);
        else
            for (const char c : text.substr(0, length)) result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        text.remove_prefix(length);
    }
    return result;
}

constexpr std::int64_t kMicros = 1'000'000;

// The second that holds this instant, also before 1970.
std::time_t whole_second(std::int64_t unix_micros) {
    return unix_micros / kMicros - (unix_micros % kMicros < 0 ? 1 : 0);
}

std::string formatted(const std::tm& time, const char* format) {
    char text[64];
    return {text, std::strftime(text, sizeof text, format, &time)};
}

}  // namespace

std::string printable(std::string_view text) { return escaped(text, false); }
std::string printable_document(std::string_view text) { return escaped(text, true); }

std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

std::string format_duration(std::int64_t micros) {
    const double seconds = static_cast<double>(micros) / kMicros;
    if (micros < 100'000) return fmt::format("{:.1f} ms", seconds * 1e3);
    if (micros < kMicros) return fmt::format("{:.0f} ms", seconds * 1e3);
    if (micros < 60 * kMicros) return fmt::format("{:.2f} s", seconds);
    return fmt::format("{} min {} s", micros / (60 * kMicros), micros / kMicros % 60);
}

std::string format_local_time(std::int64_t unix_micros) {
    const std::time_t second = whole_second(unix_micros);
    std::tm local{};
    if (localtime_r(&second, &local) == nullptr) return std::to_string(second);
    return formatted(local, "%Y-%m-%d %H:%M:%S %z");
}

std::string format_utc_time(std::int64_t unix_micros) {
    const std::time_t second = whole_second(unix_micros);
    std::tm utc{};
    if (gmtime_r(&second, &utc) == nullptr) return std::to_string(second);
    return fmt::format("{}.{:06}Z", formatted(utc, "%Y-%m-%dT%H:%M:%S"), unix_micros - second * kMicros);
}

}  // namespace stasis::cli
