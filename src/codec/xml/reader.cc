#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>

#include <fmt/format.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

#include "base/utf8.h"
#include "codec/xml/element.h"

namespace stasis::codec::xml {

namespace {

// What is read so far. Lives on the stack of parse(); libxml2 only carries the pointer to it.
struct Build {
    xmlParserCtxtPtr parser = nullptr;
    std::vector<Element> open;       // from the root to the innermost open element
    std::optional<Element> root;
    std::size_t elements = 0;
    std::string why;                 // the first rule broken; empty: none
    std::size_t line = 0;
};

std::string text_of(const xmlChar* text) { return text == nullptr ? std::string{} : reinterpret_cast<const char*>(text); }

void stop(Build& build, std::string why) {
    if (!build.why.empty()) return;
    build.why = std::move(why);
    build.line = static_cast<std::size_t>(std::max(0, xmlSAX2GetLineNumber(build.parser)));
    xmlStopParser(build.parser);
}

// libxml2 is C: nothing may be thrown through it.
template <class Action>
void guarded(void* user, Action action) noexcept {
    auto& build = *static_cast<Build*>(user);
    if (!build.why.empty()) return;
    try {
        action(build);
    } catch (...) {
        stop(build, "out of memory");
    }
}

// Every element and attribute of a namespace keeps a copy of its URI, so one long URI would multiply.
bool has_long_uri(int namespaces, const xmlChar** raw) {
    for (int i = 0; i < namespaces; ++i)
        if (raw[2 * i + 1] != nullptr && std::strlen(reinterpret_cast<const char*>(raw[2 * i + 1])) > kNamespaceBytesMax)
            return true;
    return false;
}

// Attributes come as five pointers each: name, prefix, URI, begin and end of the value.
std::optional<std::vector<Attribute>> attributes_of(int count, const xmlChar** raw) {
    std::vector<Attribute> attributes;
    std::size_t bytes = 0;
    for (int i = 0; i < count; ++i, raw += 5) {
        const auto length = static_cast<std::size_t>(raw[4] - raw[3]);
        bytes += length + std::strlen(reinterpret_cast<const char*>(raw[0]));
        if (bytes > kAttributeBytesMax) return std::nullopt;
        attributes.push_back({text_of(raw[0]), std::string(reinterpret_cast<const char*>(raw[3]), length), text_of(raw[1]),
                              text_of(raw[2])});
    }
    return attributes;
}

void on_start(void* user, const xmlChar* name, const xmlChar* prefix, const xmlChar* uri, int namespaces,
              const xmlChar** declared, int count, int, const xmlChar** raw) noexcept {
    guarded(user, [&](Build& build) {
        if (build.open.size() >= kDepthMax) return stop(build, fmt::format("elements are nested deeper than {}", kDepthMax));
        if (++build.elements > kElementsMax) return stop(build, fmt::format("there are more than {} elements", kElementsMax));
        if (has_long_uri(namespaces, declared))
            return stop(build, fmt::format("a namespace URI is longer than {} bytes", kNamespaceBytesMax));
        auto attributes = attributes_of(count, raw);
        if (!attributes)
            return stop(build, fmt::format("the attributes of <{}> are longer than {} bytes", text_of(name), kAttributeBytesMax));
        Element element{text_of(name), text_of(prefix), text_of(uri), std::move(*attributes), {}, {}, {}, 0};
        element.line = static_cast<std::uint32_t>(std::max(0, xmlSAX2GetLineNumber(build.parser)));
        build.open.push_back(std::move(element));
    });
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

// White space that only sets elements apart means nothing; beside other text it does.
void drop_layout(Element& element) {
    if (element.children.empty()) return;
    const bool blank = is_blank(element.text) && std::ranges::all_of(element.children, [](const Element& c) { return is_blank(c.tail); });
    if (!blank) return;
    element.text.clear();
    for (auto& child : element.children) child.tail.clear();
}

void on_end(void* user, const xmlChar*, const xmlChar*, const xmlChar*) noexcept {
    guarded(user, [](Build& build) {
        if (build.open.empty()) return;
        Element done = std::move(build.open.back());
        build.open.pop_back();
        drop_layout(done);
        if (build.open.empty())
            build.root = std::move(done);
        else
            build.open.back().children.push_back(std::move(done));
    });
}

void on_text(void* user, const xmlChar* text, int length) noexcept {
    guarded(user, [&](Build& build) {
        if (build.open.empty() || length <= 0) return;
        Element& parent = build.open.back();
        std::string& place = parent.children.empty() ? parent.text : parent.children.back().tail;
        place.append(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length));
    });
}

void on_document_type(void* user, const xmlChar*, const xmlChar*, const xmlChar*) noexcept {
    guarded(user, [](Build& build) { stop(build, "a document type (<!DOCTYPE ...>) is not accepted"); });
}

void on_instruction(void* user, const xmlChar* target, const xmlChar*) noexcept {
    guarded(user, [&](Build& build) {
        stop(build, fmt::format("a processing instruction (<?{} ...?>) is not accepted", text_of(target)));
    });
}

void on_error(void* user, xmlErrorPtr error) noexcept {
    if (error == nullptr || error->level < XML_ERR_ERROR) return;
    guarded(user, [&](Build& build) {
        std::string why = error->message == nullptr ? "it is not well-formed" : error->message;
        why.erase(why.find_last_not_of(" \n") + 1);
        stop(build, std::move(why));
        if (error->line > 0) build.line = static_cast<std::size_t>(error->line);
    });
}

xmlSAXHandler handler() {
    xmlSAXHandler sax{};
    sax.initialized = XML_SAX2_MAGIC;
    sax.startElementNs = on_start;
    sax.endElementNs = on_end;
    sax.characters = on_text;
    sax.cdataBlock = on_text;
    sax.ignorableWhitespace = on_text;
    sax.internalSubset = on_document_type;
    sax.processingInstruction = on_instruction;
    sax.serror = on_error;  // and so nothing is printed
    return sax;
}

std::size_t line_at(std::string_view document, std::size_t offset) {
    return 1 + static_cast<std::size_t>(std::ranges::count(document.substr(0, offset), '\n'));
}

std::unexpected<Error> refuse(const std::string& source, std::size_t line, std::string why) {
    return fail(ErrorKind::invalid, "read XML", fmt::format("{} line {}", source, line), std::move(why));
}

// libxml2 converts other encodings and reports trouble with them outside the parser: only UTF-8 goes in.
Result<void> check_text(std::string_view document, const std::string& source) {
    if (document.size() > kDocumentBytesMax)
        return refuse(source, 1, fmt::format("the document is longer than {} bytes", kDocumentBytesMax));
    for (std::size_t at = 0; at < document.size();) {
        const auto code_point = decode_utf8(document.substr(at));
        const std::size_t length = code_point ? code_point->length : 0;
        if (length == 0 || !is_xml_text(document.substr(at, length)))
            return refuse(source, line_at(document, at), code_point ? "it holds a control character" : "it is not UTF-8");
        at += length;
    }
    return {};
}

// The encoding that an XML declaration names, in lower case; empty: none named.
std::string declared_encoding(std::string_view document) {
    if (document.starts_with("\xEF\xBB\xBF")) document.remove_prefix(3);
    if (!document.starts_with("<?xml")) return {};
    const auto declaration = document.substr(0, document.find("?>"));
    const auto at = declaration.find("encoding");
    if (at == std::string_view::npos) return {};
    const auto open = declaration.find_first_of("'\"", at);
    if (open == std::string_view::npos) return {};
    std::string name(declaration.substr(open + 1, declaration.find(declaration[open], open + 1) - open - 1));
    std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return name;
}

}  // namespace

Result<Element> parse(std::string_view document, const std::string& source) {
    STASIS_CHECK(check_text(document, source));
    if (const auto encoding = declared_encoding(document); !encoding.empty() && encoding != "utf-8" && encoding != "us-ascii")
        return refuse(source, 1, fmt::format("its encoding is {}, and only UTF-8 is accepted", encoding));
    if (is_blank(document)) return refuse(source, 1, "the document is empty");

    static std::once_flag once;
    std::call_once(once, xmlInitParser);
    using Parser = std::unique_ptr<xmlParserCtxt, decltype(&xmlFreeParserCtxt)>;
    const Parser parser(xmlCreateMemoryParserCtxt(document.data(), static_cast<int>(document.size())), &xmlFreeParserCtxt);
    if (!parser) return fail(ErrorKind::failed, "read XML", source, "out of memory");
    Build build;
    build.parser = parser.get();
    *parser->sax = handler();
    parser->userData = &build;
    // NOENT here only means that &amp; and its four kin arrive as characters: there can be no other entity.
    xmlCtxtUseOptions(parser.get(), XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_IGNORE_ENC | XML_PARSE_NOCDATA);
    xmlParseDocument(parser.get());
    if (!build.why.empty()) return refuse(source, build.line, std::move(build.why));
    if (!parser->wellFormed || !build.root) return refuse(source, 1, "it is not well-formed");
    return *std::move(build.root);
}

}  // namespace stasis::codec::xml
