#include <stasis/error.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "base/utf8.h"

namespace stasis {

namespace {

// One line, and nothing in it that a terminal would act on: parts may quote a guest's or a program's output.
std::string one_line(std::string_view text) {
    std::string line;
    bool broke = false;
    while (!text.empty()) {
        const auto code_point = decode_utf8(text);
        const std::size_t length = code_point ? code_point->length : 1;
        if (text[0] == '\n' || text[0] == '\r') {
            broke = !line.empty();
        } else {
            if (broke) line += " | ";
            broke = false;
            if (code_point && is_printable(code_point->value))
                line += text.substr(0, length);
            else
                for (const char c : text.substr(0, length)) line += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(c));
        }
        text.remove_prefix(length);
    }
    return line;
}

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }
std::string_view last_word(std::string_view text) { return text.substr(text.rfind(' ') + 1); }

bool is_preposition(std::string_view word) {
    static constexpr std::array<std::string_view, 9> kWords{"of", "to", "from", "in", "on", "for", "with", "into", "at"};
    return std::ranges::find(kWords, word) != kWords.end();
}

// "domain 'web'": a thing with its kind, which another thing can be "of".
bool is_titled(std::string_view subject) {
    const auto space = subject.find(' ');
    return space != std::string_view::npos && space + 1 < subject.size() && subject[space + 1] == '\'' && subject[0] != '\'' &&
           subject[0] != '/';
}

// "open" + "/x"; "take snapshot 'a'" + "domain 'web'"; "start domain" + "domain 'web'"; without saying a thing twice.
std::string joined(const std::string& attempted, const std::string& subject) {
    if (attempted.empty() || subject.empty()) return attempted + subject;
    if (attempted.find(subject) != std::string::npos) return attempted;
    const auto word = last_word(attempted);
    if (is_titled(subject) && word == first_word(subject)) return attempted + subject.substr(word.size());
    const bool has_object = attempted.find(' ') != std::string::npos;
    const bool wants_of = has_object && is_titled(subject) && !is_preposition(word);
    return attempted + (wants_of ? " of " : " ") + subject;
}

std::string sentence_of(const Error& error) {
    const auto attempted = one_line(error.attempted);
    const auto subject = one_line(error.subject);
    if (attempted.empty() || attempted.starts_with("cannot ")) return joined(attempted, subject);
    return "cannot " + joined(attempted, subject);
}

// "not_found" is for programs; people read "not found".
std::string words_of(ErrorKind kind) {
    std::string words(to_string(kind));
    std::ranges::replace(words, '_', ' ');
    return words;
}

// Whether `clause` already stands in `line` as a whole clause: an outer error often quotes its cause.
bool says(const std::string& line, const std::string& clause) {
    for (auto at = line.find(clause); at != std::string::npos; at = line.find(clause, at + 1)) {
        const auto end = at + clause.size();
        const bool begins = at == 0 || (at >= 2 && line.compare(at - 2, 2, ": ") == 0);
        const bool ends = end == line.size() || line.compare(end, 2, ": ") == 0 || line.compare(end, 2, "; ") == 0;
        if (begins && ends) return true;
    }
    return false;
}

void add_clause(std::string& line, const std::string& clause) {
    if (clause.empty() || says(line, clause)) return;
    if (!line.empty()) line += ": ";
    line += clause;
}

}  // namespace

std::string Error::render() const {
    std::string line;
    std::vector<std::string> hints;
    for (const Error* error = this; error != nullptr; error = error->cause.get()) {
        const bool reasonless = error->why.empty() && error->cause == nullptr;
        add_clause(line, sentence_of(*error));
        add_clause(line, reasonless ? words_of(error->kind) : one_line(error->why));
        const auto hint = one_line(error->next);
        if (!hint.empty() && std::ranges::find(hints, hint) == hints.end()) hints.push_back(hint);
    }
    if (!hints.empty()) line += fmt::format("; next: {}", fmt::join(hints, ", or "));
    return line;
}

}  // namespace stasis
