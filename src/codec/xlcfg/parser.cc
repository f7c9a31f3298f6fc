#include <charconv>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "codec/xlcfg/lexer.h"

namespace stasis::codec::xlcfg {

namespace {

std::string_view name_of(TokenKind kind) {
    switch (kind) {
        case TokenKind::key: return "a key";
        case TokenKind::number: return "a number";
        case TokenKind::string: return "a string";
        case TokenKind::equals: return "'='";
        case TokenKind::comma: return "','";
        case TokenKind::open: return "'['";
        case TokenKind::close: return "']'";
        case TokenKind::separator: return "the end of the line";
        case TokenKind::end: return "the end of the file";
    }
    return "";
}

class Parser {
public:
    Parser(std::string_view text, const std::string& source) : lexer_(text, source), source_(source) {}

    Result<std::vector<Setting>> file() {
        std::vector<Setting> settings;
        std::set<std::string, std::less<>> seen;
        STASIS_CHECK(advance());
        while (now_.kind != TokenKind::end) {
            if (now_.kind == TokenKind::separator) {
                STASIS_CHECK(advance());
                continue;
            }
            STASIS_TRY(Setting one, setting());
            if (!seen.insert(one.key).second)
                return refuse(source_, one.place, fmt::format("'{}' is set a second time", one.key), "leave one");
            settings.push_back(std::move(one));
            if (now_.kind != TokenKind::separator && now_.kind != TokenKind::end) return unexpected("a newline or ';'");
        }
        return settings;
    }

private:
    Result<void> advance() {
        STASIS_TRY(now_, lexer_.next());
        return {};
    }

    std::unexpected<Error> unexpected(std::string_view wanted) const {
        return refuse(source_, now_.place, fmt::format("there is {} where {} belongs", name_of(now_.kind), wanted));
    }

    Result<void> count_item() {
        if (++items_ > kConfigItemsMax) return refuse(source_, now_.place, fmt::format("there are more than {} settings and items", kConfigItemsMax));
        return {};
    }

    Result<Setting> setting() {
        if (now_.kind != TokenKind::key) return unexpected("a key in lower case");
        STASIS_CHECK(count_item());
        Setting result;
        result.key = now_.text;
        result.place = now_.place;
        STASIS_CHECK(advance());
        if (now_.kind != TokenKind::equals) return unexpected("'='");
        STASIS_CHECK(advance());
        result.is_list = now_.kind == TokenKind::open;
        if (result.is_list) {
            STASIS_TRY(result.items, list());
        } else {
            STASIS_TRY(result.value, atom("a number, a quoted string or a list"));
        }
        return result;
    }

    Result<Atom> atom(std::string_view wanted) {
        if (now_.kind != TokenKind::number && now_.kind != TokenKind::string) return unexpected(wanted);
        Atom result{now_.text, now_.place};
        STASIS_CHECK(advance());
        return result;
    }

    Result<void> skip_newlines() {
        while (now_.kind == TokenKind::separator && now_.newline) STASIS_CHECK(advance());
        return {};
    }

    Result<std::vector<Atom>> list() {
        std::vector<Atom> items;
        STASIS_CHECK(advance());
        STASIS_CHECK(skip_newlines());
        while (now_.kind != TokenKind::close) {
            if (now_.kind == TokenKind::open) return refuse(source_, now_.place, "a list within a list is not supported");
            STASIS_CHECK(count_item());
            STASIS_TRY(Atom item, atom("a number, a quoted string or ']'"));
            items.push_back(std::move(item));
            STASIS_CHECK(skip_newlines());
            if (now_.kind == TokenKind::close) break;
            if (now_.kind != TokenKind::comma) return unexpected("',' or ']'");
            STASIS_CHECK(advance());
            STASIS_CHECK(skip_newlines());
        }
        STASIS_CHECK(advance());
        return items;
    }

    Lexer lexer_;
    const std::string& source_;
    Token now_;
    std::size_t items_ = 0;
};

}  // namespace

std::unexpected<Error> refuse(const std::string& source, const Place& place, std::string why, std::string next) {
    return fail(ErrorKind::invalid, "read configuration", fmt::format("{} line {}, column {}", source, place.line, place.column),
                std::move(why), std::move(next));
}

Result<std::vector<Setting>> parse(std::string_view text, const std::string& source) {
    if (text.size() > kConfigBytesMax) return refuse(source, {}, fmt::format("the file is longer than {} bytes", kConfigBytesMax));
    return Parser(text, source).file();
}

Result<std::int64_t> number_of(const Atom& atom, const std::string& source) {
    std::string_view digits = atom.text;
    int base = 10;
    if (digits.starts_with("0x")) {
        base = 16;
        digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits[0] == '0') {
        base = 8;
        digits.remove_prefix(1);
    }
    std::int64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
    const bool good = !digits.empty() && digits[0] != '-' && error == std::errc{} && stop == end;
    if (!good) return refuse(source, atom.place, fmt::format("'{}' is no whole number", atom.text));
    return value;
}

}  // namespace stasis::codec::xlcfg
