#include "codec/xlcfg/lexer.h"

#include <fmt/format.h>

namespace stasis::codec::xlcfg {

namespace {

constexpr std::string_view kKeyCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";
constexpr std::string_view kNumberCharacters = "0123456789abcdefx";

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

// What one of C's escapes stands for; '\0': it is none of them.
char simple_escape(char c) {
    constexpr std::string_view kNames = "\\'\"abfnrtv";
    constexpr std::string_view kValues = "\\'\"\a\b\f\n\r\t\v";
    const auto at = kNames.find(c);
    return at == std::string_view::npos ? '\0' : kValues[at];
}

}  // namespace

char Lexer::take() {
    const char c = text_[position_++];
    if (c == '\n') {
        ++place_.line;
        place_.column = 1;
    } else {
        ++place_.column;
    }
    return c;
}

void Lexer::skip_blanks_and_comment() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\r')) take();
    if (!at_end() && peek() == '#')
        while (!at_end() && peek() != '\n') take();
}

Token Lexer::word(TokenKind kind, Place place, std::string_view more) {
    const auto begin = position_;
    while (!at_end() && more.find(peek()) != std::string_view::npos) take();
    return {kind, std::string(text_.substr(begin, position_ - begin)), false, place};
}

Result<char> Lexer::coded(int base, std::size_t digits, Place place) {
    int value = 0;
    std::size_t count = 0;
    for (; count < digits && !at_end() && digit_of(peek()) < base; ++count) value = value * base + digit_of(take());
    if (count != digits) return refuse(source_, place, fmt::format("a coded character needs {} digits", digits));
    if (value == 0 || value > 0xFF) return refuse(source_, place, "a coded character is not from 1 to 255");
    return static_cast<char>(value);
}

Result<char> Lexer::escaped() {
    const Place place = place_;
    take();
    if (at_end()) return refuse(source_, place, "the file ends within a string");
    if (const char plain = simple_escape(peek()); plain != '\0') {
        take();
        return plain;
    }
    if (peek() == 'x') {
        take();
        return coded(16, 2, place);
    }
    if (digit_of(peek()) < 8) return coded(8, 3, place);
    return refuse(source_, place, "a backslash in a string is not followed by one of \\ ' \" a b f n r t v x or digits", "write \\\\ for a backslash");
}

Result<Token> Lexer::quoted(Place place) {
    const char quote = take();
    std::string value;
    while (true) {
        if (at_end() || peek() == '\n') return refuse(source_, place, "the string that begins here does not end on its line", "close it");
        if (peek() == '\\') {
            STASIS_TRY(const char c, escaped());
            value += c;
        } else if (const char c = take(); c == quote) {
            return Token{TokenKind::string, std::move(value), false, place};
        } else {
            value += c;
        }
    }
}

Result<Token> Lexer::next() {
    skip_blanks_and_comment();
    const Place place = place_;
    if (at_end()) return Token{TokenKind::end, {}, false, place};
    const char c = peek();
    const auto single = [&](TokenKind kind) {
        take();
        return Token{kind, {}, c == '\n', place};
    };
    switch (c) {
        case '\n':
        case ';': return single(TokenKind::separator);
        case '=': return single(TokenKind::equals);
        case ',': return single(TokenKind::comma);
        case '[': return single(TokenKind::open);
        case ']': return single(TokenKind::close);
        case '\'':
        case '"': return quoted(place);
        default: break;
    }
    if (c >= 'a' && c <= 'z') return word(TokenKind::key, place, kKeyCharacters);
    if (c >= '0' && c <= '9') return word(TokenKind::number, place, kNumberCharacters);
    if (c >= 0x20 && c < 0x7f) return refuse(source_, place, fmt::format("'{}' does not belong here", c), "put text in quotes");
    return refuse(source_, place, fmt::format("the byte {} does not belong here", static_cast<unsigned char>(c)), "put text in quotes");
}

}  // namespace stasis::codec::xlcfg
