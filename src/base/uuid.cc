#include <sys/random.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include <stasis/types.h>

#include "base/result.h"

namespace stasis {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool hyphen_before(std::size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

}  // namespace

Result<Uuid> Uuid::parse(std::string_view text) {
    const auto refuse = [&] {
        return fail(ErrorKind::invalid, "parse uuid", fmt::format("'{}'", text), "not 32 hex digits, grouped 8-4-4-4-12 or not at all",
                    "write it like 123e4567-e89b-42d3-a456-426614174000");
    };
    const bool grouped = text.size() == 36;
    if (!grouped && text.size() != 32) return refuse();
    Uuid uuid;
    std::size_t at = 0;
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (grouped && hyphen_before(i) && text[at++] != '-') return refuse();
        const int high = hex_value(text[at++]);
        const int low = hex_value(text[at++]);
        if (high < 0 || low < 0) return refuse();
        uuid.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return uuid;
}

Uuid Uuid::random() {
    Uuid uuid;
    // Cannot fail for 16 bytes on any kernel this runs on; an identity that is not random must never be used.
    if (::getentropy(uuid.bytes.data(), uuid.bytes.size()) != 0) std::abort();
    uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);  // version 4, RFC 4122 section 4.4
    uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

std::string Uuid::str() const {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (hyphen_before(i)) text += '-';
        text += fmt::format("{:02x}", bytes[i]);
    }
    return text;
}

bool Uuid::is_nil() const {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace stasis
