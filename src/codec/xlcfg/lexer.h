// Pieces of an xl.cfg file, one at a time. Borrows the text; one thread.
#pragma once

#include <string>
#include <string_view>

#include "codec/xlcfg/config.h"

namespace stasis::codec::xlcfg {

enum class TokenKind { key, number, string, equals, comma, open, close, separator, end };

struct Token {
    TokenKind kind = TokenKind::end;
    std::string text;      ///< of a key, number or string (unquoted)
    bool newline = false;  ///< a separator that is a newline, which may stand within lists
    Place place;
};

class Lexer {
public:
    Lexer(std::string_view text, const std::string& source) : text_(text), source_(source) {}
    Result<Token> next();

private:
    [[nodiscard]] bool at_end() const { return position_ >= text_.size(); }
    [[nodiscard]] char peek() const { return text_[position_]; }
    char take();
    void skip_blanks_and_comment();
    Result<Token> quoted(Place place);
    Result<char> escaped();
    Result<char> coded(int base, std::size_t digits, Place place);
    Token word(TokenKind kind, Place place, std::string_view more);

    std::string_view text_;
    const std::string& source_;
    std::size_t position_ = 0;
    Place place_;
};

}  // namespace stasis::codec::xlcfg
