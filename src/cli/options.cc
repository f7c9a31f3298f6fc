#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace stasis::cli {

namespace {

// CLI11's own conversion takes "-1" and octal for an unsigned number.
std::uint64_t parsed_number(const std::string& text, std::uint64_t max) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc::result_out_of_range || (error == std::errc{} && stopped == end && value > max))
        throw CLI::ValidationError(fmt::format("{} is more than {}", text, max));
    if (error != std::errc{} || stopped != end) throw CLI::ValidationError(fmt::format("'{}' is no whole number", text));
    return value;
}

bool is_positional(const std::string& names) { return !names.starts_with('-'); }

}  // namespace

void Options::flag(const std::string& names, bool& value, const std::string& help) {
    app_.add_flag(names, value, help)->disable_flag_override()->group(group_);  // no "--json=x"
}

void Options::text(const std::string& names, std::string& value, const std::string& value_name, const std::string& help) {
    app_.add_option(names, value, help)->type_name(is_positional(names) ? "" : value_name)->group(group_);
}

void Options::required(const std::string& names, std::string& value, const std::string& value_name, const std::string& help) {
    text(names, value, value_name, help);
    app_.get_option(names.substr(0, names.find(',')))->required();
}

void Options::texts(const std::string& names, std::vector<std::string>& values, const std::string& value_name,
                    const std::string& help) {
    // One value each time: without this, "--disk a=no PATH" would swallow PATH.
    app_.add_option(names, values, help)->allow_extra_args(false)->type_name(value_name)->group(group_);
}

void Options::choice(const std::string& names, std::string& value, const std::vector<std::string>& words,
                     const std::string& help) {
    app_.add_option_function<std::string>(
            names,
            [&value, words, names](const std::string& text) {
                if (std::find(words.begin(), words.end(), text) == words.end())
                    throw CLI::ValidationError(fmt::format("{} '{}' is none of {}", names, text, fmt::join(words, ", ")));
                value = text;
            },
            help)
        ->type_name(fmt::format("{}", fmt::join(words, "|")))
        ->group(group_);
}

void Options::number(const std::string& names, std::optional<std::uint64_t>& value, std::uint64_t max,
                     const std::string& value_name, const std::string& help) {
    app_.add_option_function<std::string>(
            names,
            [&value, max, names](const std::string& text) {
                try {
                    value = parsed_number(text, max);
                } catch (const CLI::ValidationError& error) {
                    throw CLI::ValidationError(fmt::format("{}: {}", names, error.what()));
                }
            },
            help)
        ->type_name(value_name)
        ->group(group_);
}

void Options::domain(std::string& value) { required("domain,--domain", value, "DOMAIN", "Name or uuid of the domain"); }

void Options::snapshot(std::string& value) {
    required("snapshot,--snapshotname", value, "SNAPSHOT", "Name of the snapshot");
}

void Options::at_most_one(std::initializer_list<const char*> names) {
    for (auto one = names.begin(); one != names.end(); ++one)
        for (auto other = one + 1; other != names.end(); ++other)
            app_.get_option(*one)->excludes(app_.get_option(*other));
}

void Options::needs(const char* name, const char* other) { app_.get_option(name)->needs(app_.get_option(other)); }

}  // namespace stasis::cli
