// A small strict XML reader and writer: a document becomes a plain tree that the caller owns, and back. The reader
// takes UTF-8 without a document type (so without entities of its own), without processing instructions, and within
// the limits below, which are checked before the cost arises. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace stasis::codec::xml {

inline constexpr std::size_t kDocumentBytesMax = 1u << 20;
inline constexpr std::size_t kDepthMax = 64;                      ///< of nested elements, the root is 1
inline constexpr std::size_t kAttributeBytesMax = 64u << 10;      ///< names and values of one element together
inline constexpr std::size_t kNamespaceBytesMax = 256;            ///< of one namespace URI
inline constexpr std::size_t kElementsMax = 20'000;               ///< of one document

struct Attribute {
    std::string name;    ///< without prefix
    std::string value;
    std::string prefix;  ///< as written; empty: none
    std::string ns;      ///< namespace URI; empty: none
    bool operator==(const Attribute&) const = default;
};

/// One element. White space between child elements is dropped unless there is other text beside them.
struct Element {
    std::string name;    ///< without prefix
    std::string prefix;  ///< as written; empty: none
    std::string ns;      ///< namespace URI; empty: none
    std::vector<Attribute> attributes;
    std::string text;    ///< before the first child
    std::vector<Element> children;
    std::string tail;    ///< after this element, within its parent
    std::uint32_t line = 0;  ///< where it began; 0: not read from a document

    /// The value of the attribute without namespace, or nullptr.
    [[nodiscard]] const std::string* find(std::string_view attribute) const;
    /// "name", or "prefix:name" where a prefix was written.
    [[nodiscard]] std::string qualified_name() const;
};

/// The root of `document`. invalid: names `source`, the line, and the rule of XML or of this reader that is broken.
Result<Element> parse(std::string_view document, const std::string& source);

/// Indented by two, one element a line, closed by a newline; mixed content stays as it is. Declares the prefixes that
/// its elements and attributes use. Characters that XML cannot carry become U+FFFD.
[[nodiscard]] std::string write_document(const Element& root);
/// The same on one line, without white space between elements: a canonical form to keep and compare.
[[nodiscard]] std::string write_fragment(const Element& root);

/// Whether XML can carry `text`: UTF-8 without controls other than tab, newline and carriage return.
[[nodiscard]] bool is_xml_text(std::string_view text);
/// A name without prefix in the ASCII subset that this writer accepts: letter or '_', then letters, digits, ". - _".
[[nodiscard]] bool is_xml_name(std::string_view text);

}  // namespace stasis::codec::xml
