#include <array>
#include <charconv>

#include <fmt/format.h>

#include <stasis/types.h>

#include "base/checked.h"
#include "base/result.h"

namespace stasis {

namespace {

constexpr std::string_view kUnitLetters = "kmgtpe";  // 2^10 to 2^60

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The shift of "", "B", "k", "KiB", ...; -1: no such unit. "KB" is refused: some read it as 1000.
int shift_of_unit(std::string_view unit) {
    if (unit.empty() || unit == "B" || unit == "b") return 0;
    const auto index = kUnitLetters.find(lower(unit[0]));
    if (index == std::string_view::npos) return -1;
    const bool plain = unit.size() == 1;
    const bool binary = unit.size() == 3 && lower(unit[1]) == 'i' && lower(unit[2]) == 'b';
    return plain || binary ? 10 * (static_cast<int>(index) + 1) : -1;
}

}  // namespace

Result<Bytes> parse_bytes(std::string_view text) {
    const auto refuse = [&](std::string why) {
        return fail(ErrorKind::invalid, "parse size", fmt::format("'{}'", text), std::move(why),
                    "write a number of bytes, or one with K, M, G or T, such as 512M");
    };
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc::result_out_of_range) return refuse("too large");
    if (error != std::errc{}) return refuse("it does not begin with a digit");
    const int shift = shift_of_unit({stop, static_cast<std::size_t>(end - stop)});
    if (shift < 0) return refuse("unknown unit");
    const auto bytes = checked_mul(number, std::uint64_t{1} << shift);
    if (!bytes) return refuse("too large");
    return Bytes{*bytes};
}

std::string format_bytes(Bytes bytes) {
    static constexpr std::array<std::string_view, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes.value < 1024) return fmt::format("{} B", bytes.value);
    std::uint64_t whole = 0;
    std::uint64_t tenths = 0;
    std::size_t unit = 0;
    do {  // 1023.96 MiB rounds to 1024 MiB, which is 1 GiB
        ++unit;
        const std::uint64_t size = std::uint64_t{1} << (10 * unit);
        const std::uint64_t rounded_tenth = ((bytes.value % size) * 10 + size / 2) / size;
        whole = bytes.value / size + rounded_tenth / 10;
        tenths = rounded_tenth % 10;
    } while (whole >= 1024 && unit + 1 < kUnits.size());
    return tenths == 0 ? fmt::format("{} {}", whole, kUnits[unit]) : fmt::format("{}.{} {}", whole, tenths, kUnits[unit]);
}

}  // namespace stasis
