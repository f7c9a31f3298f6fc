// version, completion, help.
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/completion_text.h"
#include "cli/options.h"

namespace stasis::cli {

namespace {

Result<void> version(Context& context) {
    const auto uri = uri_of(context.globals(), context.environment());
    auto root = root_of(context.globals(), context.environment());
    if (!root) return std::unexpected(std::move(root).error());
    Reporter& reporter = context.reporter();
    if (reporter.json())
        reporter.document({{"program", "stasis"}, {"version", STASIS_VERSION}, {"uri", uri}, {"root", *root}});
    else
        reporter.data(fmt::format("stasis {}\n{}", STASIS_VERSION,
                                  reporter.quiet() ? "" : fmt::format("Hypervisor:   {}\nState folder: {}\n", uri, *root)));
    return {};
}

Run declare_version(Options&) { return version; }

Run declare_completion(Options& options) {
    auto shell = std::make_shared<std::string>();
    options.required("shell,--shell", *shell, "SHELL", "The shell: bash");
    return [shell](Context& context) -> Result<void> {
        if (*shell != "bash")
            return refuse(ErrorKind::unsupported, "complete for the shell", "'" + *shell + "'", "there is only one for bash");
        context.reporter().data(completion_for_bash());
        return {};
    };
}

Run declare_help(Options& options) {
    auto name = std::make_shared<std::string>();
    options.text("command,--command", *name, "COMMAND", "The command to explain");
    return [name](Context& context) -> Result<void> {
        if (name->empty()) {
            context.reporter().data(overview());
            return {};
        }
        const Command* command = find_command(*name);
        if (command == nullptr)
            return refuse(ErrorKind::invalid, "", "", fmt::format("unknown command '{}'", *name), "'stasis help' lists all commands");
        context.reporter().data(help_of(*command));
        return {};
    };
}

constexpr Command kCommands[] = {
    {"version", "Print the version, the hypervisor and the state folder", "  stasis version", false, declare_version},
    {"completion", "Print the completion for a shell", "  source <(stasis completion bash)", false, declare_completion},
    {"help", "Explain the program or a command", "  stasis help snapshot-create", false, declare_help},
};

}  // namespace

std::span<const Command> about_commands() { return kCommands; }

}  // namespace stasis::cli
