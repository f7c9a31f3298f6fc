#include <algorithm>

#include <fmt/format.h>

#include <stasis/types.h>

#include "base/result.h"
#include "base/utf8.h"

namespace stasis::detail {

namespace {

constexpr std::string_view kNameHint = "use letters, digits, '_', '.' and '-', starting with a letter or digit";
constexpr std::string_view kTargetHint = "write a guest device name such as vda";
constexpr std::size_t kTargetBytesMax = 16;

// Empty: the name is good; otherwise the rule it breaks.
std::string broken_name_rule(std::string_view text) {
    if (text.empty()) return "it is empty";
    if (text.size() > kNameBytesMax) return fmt::format("it is longer than {} bytes", kNameBytesMax);
    if (text[0] == '.' || text[0] == '-') return fmt::format("it begins with '{}'", text[0]);
    bool space_last = false;
    for (std::size_t at = 0; at < text.size();) {
        const auto code_point = decode_utf8(text.substr(at));
        if (!code_point) return fmt::format("it is not UTF-8 at byte {}", at);
        if (code_point->value == '/') return "it contains '/'";
        if (!is_printable(code_point->value))
            return fmt::format("it contains the unprintable character U+{:04X}", static_cast<std::uint32_t>(code_point->value));
        space_last = is_space(code_point->value);
        if (at == 0 && space_last) return "it begins with white space";
        at += code_point->length;
    }
    return space_last ? "it ends with white space" : "";
}

std::string broken_target_rule(std::string_view text) {
    const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.size() < 2 || text.size() > kTargetBytesMax) return "it is not 2 to 16 characters long";
    if (!is_lower(text[0])) return "it does not begin with a lower-case letter";
    const bool good = std::ranges::all_of(text, [&](char c) { return is_lower(c) || is_digit(c); });
    return good ? "" : "it has a character other than a to z and 0 to 9";
}

// What a name of each kind is called, its rule, and how to get it right.
struct NameRule {
    std::string_view attempted;
    std::string (*broken)(std::string_view);
    std::string_view hint;
};
template <class Tag>
constexpr NameRule kRule{};
template <>
constexpr NameRule kRule<DomainNameTag>{"use domain name", broken_name_rule, kNameHint};
template <>
constexpr NameRule kRule<SnapshotNameTag>{"use snapshot name", broken_name_rule, kNameHint};
template <>
constexpr NameRule kRule<DiskTargetTag>{"use disk target", broken_target_rule, kTargetHint};

}  // namespace

template <class Tag>
Result<CheckedName<Tag>> CheckedName<Tag>::parse(std::string_view text) {
    const NameRule& rule = kRule<Tag>;
    if (std::string why = rule.broken(text); !why.empty()) {
        const auto shown = text.substr(0, kNameBytesMax);
        return fail(ErrorKind::invalid, std::string(rule.attempted), fmt::format("'{}'", shown), std::move(why),
                    std::string(rule.hint));
    }
    CheckedName name;
    name.text_ = text;
    return name;
}

template class CheckedName<DomainNameTag>;
template class CheckedName<SnapshotNameTag>;
template class CheckedName<DiskTargetTag>;

}  // namespace stasis::detail
