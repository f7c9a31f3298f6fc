// The list of commands: one row each, from which help, parsing, the manual page's test and the completion's test read.
// To add a command: write its declare function in the cmd_*.cc of its family and add its row there. Constants; any thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "cli/context.h"

namespace stasis::cli {

class Options;

struct Command {
    std::string_view name;
    std::string_view summary;  ///< one line, for the list and the top of --help
    std::string_view example;  ///< one or more command lines, for the foot of --help
    bool changes = false;      ///< takes --dry-run
    /// Declares the options, which live as long as what it returns.
    Run (*declare)(Options&) = nullptr;
};

/// A family under its heading.
struct Topic {
    std::string_view heading;
    std::span<const Command> commands;
};

std::span<const Command> define_commands();
std::span<const Command> domain_commands();
std::span<const Command> inspect_commands();
std::span<const Command> snapshot_create_commands();
std::span<const Command> snapshot_list_commands();
std::span<const Command> snapshot_revert_commands();
std::span<const Command> snapshot_delete_commands();
std::span<const Command> memory_commands();
std::span<const Command> about_commands();

/// All of them, in the order of `help`.
[[nodiscard]] std::vector<Topic> all_topics();
[[nodiscard]] const Command* find_command(std::string_view name);
/// The command whose name is nearest to a mistyped one; none when nothing is near.
[[nodiscard]] const Command* nearest_command(std::string_view name);

/// The short help, grouped by topic.
[[nodiscard]] std::string overview();
/// --help of one command.
[[nodiscard]] std::string help_of(const Command& command);
/// The long and short names of a command's options, its own and the common ones; for completion's test.
[[nodiscard]] std::vector<std::string> option_names_of(const Command& command);

}  // namespace stasis::cli
