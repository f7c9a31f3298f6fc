#include "codec/xml/element.h"

#include <algorithm>

#include "base/utf8.h"

namespace stasis::codec::xml {

const std::string* Element::find(std::string_view attribute) const {
    for (const auto& candidate : attributes)
        if (candidate.ns.empty() && candidate.name == attribute) return &candidate.value;
    return nullptr;
}

std::string Element::qualified_name() const { return prefix.empty() ? name : prefix + ":" + name; }

bool is_xml_text(std::string_view text) {
    while (!text.empty()) {
        const auto code_point = decode_utf8(text);
        if (!code_point) return false;
        const char32_t value = code_point->value;
        if (value < 0x20 && value != '\t' && value != '\n' && value != '\r') return false;
        if (value == 0xFFFE || value == 0xFFFF) return false;
        text.remove_prefix(code_point->length);
    }
    return true;
}

bool is_xml_name(std::string_view text) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto is_later = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; };
    return !text.empty() && is_letter(text[0]) && std::ranges::all_of(text, is_later);
}

}  // namespace stasis::codec::xml
