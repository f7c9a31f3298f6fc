// Reading one element so that nothing is overlooked: what a reader asks for is marked as taken, and finish() judges
// the rest by rules.h (kept, of one run only, outside the subset). The first error sticks in the ReadContext, so
// readers go on without checking. Borrows the element tree and the context; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/xml/element.h"
#include "model/xml/domain_xml.h"
#include "model/xml/words.h"

namespace stasis::model {

/// What is true of the whole document being read.
struct ReadContext {
    const std::string& source;
    const DomainXmlOptions& options;
    std::vector<KeptElement> kept;
    std::vector<std::string> left_out;
    std::optional<Error> error;  ///< the first; what follows it is not reported

    /// ErrorKind::invalid at a line of the document.
    void invalid(std::uint32_t line, std::string why, std::string next);
    /// A relative path becomes absolute by base_folder; without one it is invalid.
    std::string resolve(std::uint32_t line, const std::string& path);
};

class Cursor {
public:
    /// `path` is the XPath by which kept elements find their parent again: "/domain/devices/disk[2]".
    Cursor(ReadContext& context, const codec::xml::Element& element, std::string path);

    [[nodiscard]] const codec::xml::Element& element() const { return element_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] ReadContext& context() const { return context_; }

    std::optional<std::string> attribute(std::string_view name);
    std::string attribute_or(std::string_view name, std::string fallback = {});
    /// The attribute as a path made absolute; empty: absent or empty.
    std::string path_attribute(std::string_view name);
    /// A whole decimal number; anything else is invalid.
    std::optional<std::uint32_t> number(std::string_view name);
    /// "yes" or "no".
    bool yes(std::string_view name, bool fallback);
    /// One of `words`, which are all that the subset has; anything else is invalid.
    std::string one_of(std::string_view name, std::span<const std::string_view> words);
    template <class E, std::size_t N>
    E word(std::string_view name, const Words<E, N>& words, E fallback) {
        const auto text = attribute(name);
        if (!text) return fallback;
        const auto value = words.from(*text);
        if (!value) bad_value(name, *text);
        return value.value_or(fallback);
    }

    /// The only child of that name. A second one is invalid.
    std::optional<Cursor> child(std::string_view name);
    /// Whether there is a child of that name, which may hold nothing.
    bool flag(std::string_view name);
    /// The text of the only child of that name, which may hold nothing else; empty: absent or empty.
    std::string child_text(std::string_view name);
    std::string child_path(std::string_view name);
    /// All children of that name, taken.
    std::vector<const codec::xml::Element*> children(std::string_view name, std::string_view ns = {});
    /// A cursor for one of children(), the number-th of its name.
    Cursor at(const codec::xml::Element& child, std::size_t number) const;
    /// The element's text, blanks and all.
    std::string text();

    /// Keeps a child (taken here) as it is.
    void keep(const codec::xml::Element& child);
    void keep_attribute(std::string_view name);
    void bad_value(std::string_view attribute, const std::string& value);
    void invalid(std::string why, std::string next = {});
    /// Something is outside the subset: an error, or listed when reading leniently. `what`: "<hostdev>".
    void outside(std::uint32_t line, const std::string& what, const std::string& parent) const;
    /// The whole element is, because of `what` it says of itself ("type='network'"). Always false, for `return`.
    bool skip(const std::string& what) const;
    /// Judges what was not taken.
    void finish();

private:
    void judge(const codec::xml::Attribute& attribute);
    void judge(const codec::xml::Element& child, std::size_t index);

    ReadContext& context_;
    const codec::xml::Element& element_;
    std::string path_;
    std::vector<bool> attributes_taken_;
    std::vector<bool> children_taken_;
    bool text_taken_ = false;
};

}  // namespace stasis::model
