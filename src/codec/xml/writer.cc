#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "codec/xml/element.h"

namespace stasis::codec::xml {

namespace {

constexpr std::string_view kXmlPrefixUri = "http://www.w3.org/XML/1998/namespace";  // bound to "xml" by definition

std::string_view escape_of(char c, bool in_attribute) {
    switch (c) {
        case '&': return "&amp;";
        case '<': return "&lt;";
        case '>': return "&gt;";
        case '\r': return "&#13;";  // a parser would make a newline of it
        case '"': return in_attribute ? "&quot;" : std::string_view{};
        case '\n': return in_attribute ? "&#10;" : std::string_view{};  // a parser would make a blank of it
        case '\t': return in_attribute ? "&#9;" : std::string_view{};
        default: return {};
    }
}

void append_escaped(std::string& out, std::string_view text, bool in_attribute) {
    while (!text.empty()) {
        const auto code_point = decode_utf8(text);
        const std::size_t length = code_point ? code_point->length : 1;
        const auto piece = text.substr(0, length);
        if (const auto escape = escape_of(piece[0], in_attribute); !escape.empty())
            out += escape;
        else if (is_xml_text(piece))
            out += piece;
        else
            out += "\xEF\xBF\xBD";
        text.remove_prefix(length);
    }
}

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
    out += ' ';
    out += name;
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
}

using Scope = std::map<std::string, std::string>;  // prefix to URI

// Text beside elements: then white space means something and is left alone.
bool is_mixed(const Element& element) {
    return !element.children.empty() &&
           (!element.text.empty() || std::ranges::any_of(element.children, [](const Element& c) { return !c.tail.empty(); }));
}

class Writer {
public:
    explicit Writer(bool indented) : indented_(indented) {}

    void element(const Element& element, Scope scope, std::size_t depth) {
        out_ += '<';
        const std::string name = element.qualified_name();
        out_ += name;
        declare(scope, element.prefix, element.ns);
        for (const auto& attribute : element.attributes)
            if (!attribute.prefix.empty()) declare(scope, attribute.prefix, attribute.ns);
        for (const auto& attribute : element.attributes)
            append_attribute(out_, attribute.prefix.empty() ? attribute.name : attribute.prefix + ":" + attribute.name,
                             attribute.value);
        if (element.text.empty() && element.children.empty()) {
            out_ += "/>";
            return;
        }
        out_ += '>';
        append_escaped(out_, element.text, false);
        children(element, scope, depth);
        out_ += "</" + name + ">";
    }

    std::string take() { return std::move(out_); }

private:
    void children(const Element& element, const Scope& scope, std::size_t depth) {
        const bool lines = indented_ && !element.children.empty() && !is_mixed(element);
        for (const auto& child : element.children) {
            if (lines) new_line(depth + 1);
            // Inside mixed content no line may be broken, however deep.
            const bool kept = indented_;
            indented_ = lines;
            this->element(child, scope, depth + 1);
            indented_ = kept;
            append_escaped(out_, child.tail, false);
        }
        if (lines) new_line(depth);
    }

    void new_line(std::size_t depth) { out_ += '\n' + std::string(depth * 2, ' '); }

    void declare(Scope& scope, const std::string& prefix, const std::string& uri) {
        const auto known = scope.find(prefix);
        if (known != scope.end() && known->second == uri) return;
        scope[prefix] = uri;
        append_attribute(out_, prefix.empty() ? "xmlns" : "xmlns:" + prefix, uri);
    }

    bool indented_;
    std::string out_;
};

std::string write(const Element& root, bool indented) {
    Writer writer(indented);
    writer.element(root, {{"", ""}, {"xml", std::string(kXmlPrefixUri)}}, 0);
    return writer.take();
}

}  // namespace

std::string write_document(const Element& root) { return write(root, true) + "\n"; }
std::string write_fragment(const Element& root) { return write(root, false); }

}  // namespace stasis::codec::xml
