// Declares the options of one command line. A narrow front for CLI11, so that its header is compiled once and every
// command words, checks and documents its options alike. Refers to the CLI11 object it was made from; one thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace stasis::cli {

class Options {
public:
    explicit Options(CLI::App& app) : app_(app) {}

    /// Heading in --help for what is declared from here on.
    void group(const std::string& heading) { group_ = heading; }

    // `names` are as CLI11 reads them: "-n,--name", "domain,--domain" (a positional that can be named).
    void flag(const std::string& names, bool& value, const std::string& help);
    void text(const std::string& names, std::string& value, const std::string& value_name, const std::string& help);
    /// A positional that must be there.
    void required(const std::string& names, std::string& value, const std::string& value_name, const std::string& help);
    /// May be given several times, one value each.
    void texts(const std::string& names, std::vector<std::string>& values, const std::string& value_name,
               const std::string& help);
    /// One of `words`.
    void choice(const std::string& names, std::string& value, const std::vector<std::string>& words, const std::string& help);
    /// A decimal number up to `max`.
    void number(const std::string& names, std::optional<std::uint64_t>& value, std::uint64_t max,
                const std::string& value_name, const std::string& help);

    // The two that almost every command has.
    void domain(std::string& value);
    void snapshot(std::string& value);

    /// At most one of these may be given.
    void at_most_one(std::initializer_list<const char*> names);
    /// `name` makes no sense without `other`.
    void needs(const char* name, const char* other);

private:
    CLI::App& app_;
    std::string group_ = "Options";
};

}  // namespace stasis::cli
