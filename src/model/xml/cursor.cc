#include "model/xml/cursor.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/xml/rules.h"

namespace stasis::model {

using codec::xml::Element;

void ReadContext::invalid(std::uint32_t line, std::string why, std::string next) {
    if (error) return;
    error = Error{ErrorKind::invalid, "read domain definition", fmt::format("{} line {}", source, line), std::move(why),
                  std::move(next), nullptr};
}

std::string ReadContext::resolve(std::uint32_t line, const std::string& path) {
    if (path.empty() || path[0] == '/') return path;
    if (options.base_folder.empty()) {
        invalid(line, fmt::format("path '{}' is relative", path), "write an absolute path");
        return path;
    }
    const std::string_view rest = path.starts_with("./") ? std::string_view(path).substr(2) : std::string_view(path);
    return fmt::format("{}{}{}", options.base_folder, options.base_folder.ends_with('/') ? "" : "/", rest);
}

Cursor::Cursor(ReadContext& context, const Element& element, std::string path)
    : context_(context),
      element_(element),
      path_(std::move(path)),
      attributes_taken_(element.attributes.size()),
      children_taken_(element.children.size()) {}

std::optional<std::string> Cursor::attribute(std::string_view name) {
    for (std::size_t i = 0; i < element_.attributes.size(); ++i) {
        const auto& candidate = element_.attributes[i];
        if (candidate.name != name || !candidate.ns.empty()) continue;
        attributes_taken_[i] = true;
        return candidate.value;
    }
    return std::nullopt;
}

std::string Cursor::attribute_or(std::string_view name, std::string fallback) {
    return attribute(name).value_or(std::move(fallback));
}

std::string Cursor::path_attribute(std::string_view name) { return context_.resolve(element_.line, attribute_or(name)); }

std::optional<std::uint32_t> Cursor::number(std::string_view name) {
    const auto text = attribute(name);
    if (!text) return std::nullopt;
    std::uint32_t value = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, value);
    if (error != std::errc{} || stop != end || text->empty()) bad_value(name, *text);
    return value;
}

bool Cursor::yes(std::string_view name, bool fallback) {
    const auto text = attribute(name);
    if (!text) return fallback;
    if (*text != "yes" && *text != "no") bad_value(name, *text);
    return *text == "yes";
}

std::string Cursor::one_of(std::string_view name, std::span<const std::string_view> words) {
    const auto text = attribute(name);
    if (!text) return {};
    if (std::ranges::find(words, *text) == words.end())
        invalid(fmt::format("{}='{}' of <{}> in {} is none of {}", name, *text, element_.name, path_, fmt::join(words, ", ")));
    return *text;
}

std::optional<Cursor> Cursor::child(std::string_view name) {
    const auto found = children(name);
    if (found.empty()) return std::nullopt;
    if (found.size() > 1)
        context_.invalid(found[1]->line, fmt::format("there is a second <{}> in {}", name, path_), "leave one");
    return Cursor(context_, *found[0], fmt::format("{}/{}", path_, name));
}

bool Cursor::flag(std::string_view name) {
    auto found = child(name);
    if (found) found->finish();
    return found.has_value();
}

std::string Cursor::child_text(std::string_view name) {
    auto found = child(name);
    if (!found) return {};
    std::string text = found->text();
    found->finish();
    return text;
}

std::string Cursor::child_path(std::string_view name) { return context_.resolve(element_.line, child_text(name)); }

std::vector<const Element*> Cursor::children(std::string_view name, std::string_view ns) {
    std::vector<const Element*> found;
    for (std::size_t i = 0; i < element_.children.size(); ++i) {
        const auto& candidate = element_.children[i];
        if (candidate.name != name || candidate.ns != ns) continue;
        children_taken_[i] = true;
        found.push_back(&candidate);
    }
    return found;
}

Cursor Cursor::at(const Element& child, std::size_t number) const {
    return {context_, child, fmt::format("{}/{}[{}]", path_, child.name, number)};
}

std::string Cursor::text() {
    text_taken_ = true;
    return element_.text;
}

void Cursor::keep(const Element& child) {
    Element alone = child;
    alone.tail.clear();
    context_.kept.push_back({path_, codec::xml::write_fragment(alone)});
}

void Cursor::keep_attribute(std::string_view name) {
    if (const auto value = attribute(name)) context_.kept.push_back({path_, fmt::format("@{}={}", name, *value)});
}

void Cursor::bad_value(std::string_view name, const std::string& value) {
    invalid(fmt::format("{}='{}' of <{}> in {} is not valid here", name, value, element_.name, path_));
}

void Cursor::invalid(std::string why, std::string next) { context_.invalid(element_.line, std::move(why), std::move(next)); }

void Cursor::outside(std::uint32_t line, const std::string& what, const std::string& parent) const {
    if (context_.options.lenient)
        context_.left_out.push_back(fmt::format("line {}: {} in {}", line, what, parent));
    else
        context_.invalid(line, fmt::format("{} in {} is outside the part of domain XML that Stasis reads", what, parent),
                         "remove it, or leave it out with --lenient");
}

bool Cursor::skip(const std::string& what) const {
    outside(element_.line, fmt::format("<{}{}{}>", element_.name, what.empty() ? "" : " ", what),
            path_.substr(0, path_.rfind('/')));
    return false;
}

void Cursor::judge(const codec::xml::Attribute& attribute) {
    const std::string item = "@" + attribute.name;
    const Fate fate = attribute.ns.empty() ? fate_of(path_, item, attribute.value) : Fate::outside;
    if (fate == Fate::kept)
        context_.kept.push_back({path_, fmt::format("{}={}", item, attribute.value)});
    else if (fate == Fate::outside)
        outside(element_.line, fmt::format("attribute {}='{}'", attribute.name, attribute.value), path_);
}

void Cursor::judge(const Element& child, std::size_t index) {
    const Fate fate = child.ns.empty() ? fate_of(path_, child.name, {}) : Fate::outside;
    if (fate == Fate::kept) {
        keep(child);
        children_taken_[index] = true;
    } else if (fate == Fate::outside) {
        outside(child.line, "<" + child.qualified_name() + ">", path_);
    }
}

void Cursor::finish() {
    for (std::size_t i = 0; i < element_.attributes.size(); ++i)
        if (!attributes_taken_[i]) judge(element_.attributes[i]);
    for (std::size_t i = 0; i < element_.children.size(); ++i)
        if (!children_taken_[i]) judge(element_.children[i], i);
    const auto is_blank = [](std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; };
    const bool stray = (!text_taken_ && !is_blank(element_.text)) ||
                       std::ranges::any_of(element_.children, [&](const Element& c) { return !is_blank(c.tail); });
    if (stray) invalid(fmt::format("there is text in {} where none belongs", path_));
}

}  // namespace stasis::model
