// Finds the command, parses its line with CLI11, runs it, and turns what comes of it into an exit code.
#include <CLI/CLI.hpp>
#include <algorithm>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/exit_codes.h"
#include "cli/options.h"
#include "cli/printable.h"

namespace stasis::cli {

namespace {

// CLI11's own adds what excludes what, in an order that changes from run to run.
class PlainFormatter final : public CLI::Formatter {
public:
    std::string make_option_opts(const CLI::Option* option) const override {
        return option->get_type_size() > 0 && !option->get_type_name().empty() ? " " + option->get_type_name() : "";
    }
};

// A command's parser with what its options are stored in.
struct Parser {
    Parser(const Command& wanted, Globals& globals)
        : command(wanted), app(std::string(wanted.summary), "stasis " + std::string(wanted.name)) {
        app.set_help_flag("-h,--help", "Print this help")->group("Common options");
        app.formatter(std::make_shared<PlainFormatter>());
        app.footer("Example:\n" + std::string(wanted.example));
        Options options(app);
        run = wanted.declare(options);
        declare_globals(options, globals, wanted.changes);
    }
    const Command& command;
    CLI::App app;
    Run run;
};

// What stands before the command, and the rest.
struct Line {
    bool help = false;
    bool version = false;
    std::string command;             ///< empty: none was given
    std::vector<std::string> rest;
};

// An error in the line must come in the form it asks for too, although the line could not be parsed.
bool wants_json(const std::vector<std::string>& words) {
    const auto end = std::find(words.begin(), words.end(), "--");
    return std::find(words.begin(), end, "--json") != end;
}

Result<void> parse(CLI::App& app, std::vector<std::string> words, Globals& globals, const std::string& help) {
    const bool json = wants_json(words);
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    try {
        app.parse(words);
    } catch (const CLI::CallForHelp&) {
        return {};
    } catch (const std::exception& error) {  // CLI::ParseError, or what a conversion threw
        std::string why = error.what();
        globals.json = globals.json || json;
        while (!why.empty() && (why.back() == '\n' || why.back() == '.')) why.pop_back();
        return refuse(ErrorKind::invalid, "", "", why, fmt::format("see '{}'", help));
    }
    return {};
}

// CLI11 stops at the first word that is no option of its own, and leaves the rest as it is.
Result<Line> split_line(const std::vector<std::string>& words, Globals& globals) {
    Line line;
    CLI::App app;
    app.set_help_flag();
    app.prefix_command();
    Options options(app);
    declare_globals(options, globals, true);
    options.flag("-h,--help", line.help, "");
    options.flag("-v,--version", line.version, "");
    if (auto parsed = parse(app, words, globals, "stasis --help"); !parsed) return std::unexpected(std::move(parsed).error());
    line.rest = app.remaining();
    if (line.rest.empty()) return line;
    if (find_command(line.rest[0]) == nullptr) globals.json = globals.json || wants_json(line.rest);
    if (line.rest[0].starts_with('-'))
        return refuse(ErrorKind::invalid, "", "", fmt::format("unknown option '{}'", line.rest[0]), "see 'stasis --help'");
    line.command = line.rest[0];
    line.rest.erase(line.rest.begin());
    return line;
}

std::unexpected<Error> unknown(const std::string& name) {
    const Command* nearest = nearest_command(name);
    auto next = nearest != nullptr ? fmt::format("did you mean '{}'? 'stasis help' lists all commands", nearest->name)
                                   : std::string("'stasis help' lists all commands");
    return refuse(ErrorKind::invalid, "", "", fmt::format("unknown command '{}'", name), std::move(next));
}

Result<int> run_command(const Line& line, Globals& globals, Environment& environment, Reporter& reporter) {
    const Command* command = find_command(line.command);
    if (command == nullptr) return unknown(line.command);
    if (globals.dry_run && !command->changes)
        return refuse(ErrorKind::invalid, "", "", fmt::format("{} takes no --dry-run: it changes nothing", command->name));
    if (line.help) {
        environment.out << help_of(*command);
        return kExitOk;
    }
    Parser parser(*command, globals);
    if (auto parsed = parse(parser.app, line.rest, globals, fmt::format("stasis help {}", command->name)); !parsed)
        return std::unexpected(std::move(parsed).error());
    if (parser.app.get_help_ptr()->count() > 0) {
        environment.out << help_of(*command);
        return kExitOk;
    }
    Context context(environment, globals, reporter, std::string(command->name));
    if (auto done = parser.run(context); !done) return std::unexpected(std::move(done).error());
    return kExitOk;
}

Result<int> run_line(const std::vector<std::string>& words, Globals& globals, Environment& environment, Reporter& reporter) {
    auto line = split_line(words, globals);
    if (!line) return std::unexpected(std::move(line).error());
    if (line->version && line->command.empty()) line->command = "version";
    if (line->command.empty()) {
        (line->help ? environment.out : environment.err) << overview();
        return line->help ? kExitOk : exit_code(ErrorKind::invalid);
    }
    auto code = run_command(*line, globals, environment, reporter);
    if (!code) return code;
    // A full disk behind standard output must not look like success.
    if (!environment.out.flush())
        return refuse(ErrorKind::failed, "write to standard output", "", "the result is incomplete");
    return code;
}

}  // namespace

std::string help_of(const Command& command) {
    Globals globals;
    return Parser(command, globals).app.help();
}

std::vector<std::string> option_names_of(const Command& command) {
    Globals globals;
    Parser parser(command, globals);
    std::vector<std::string> names;
    for (const CLI::Option* option : parser.app.get_options()) {
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
        for (const auto& name : option->get_snames()) names.push_back("-" + name);
    }
    return names;
}

int run(const std::vector<std::string>& arguments, Environment& environment) {
    Globals globals;
    Reporter reporter(environment, globals);
    auto code = run_line(arguments, globals, environment, reporter);
    if (code) return *code;
    reporter.error(code.error());
    return exit_code(code.error().kind);
}

}  // namespace stasis::cli
