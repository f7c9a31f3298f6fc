#include "cli/command.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace stasis::cli {

namespace {

// Levenshtein's distance, with two neighbours swapped counting as one.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    std::iota(last.begin(), last.end(), 0U);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = std::exchange(last, row);
    }
    return last.back();
}

constexpr std::size_t kNameMax = 64;  // longer words are no mistyped command

}  // namespace

std::vector<Topic> all_topics() {
    return {{"Domains", define_commands()},
            {"Running domains", domain_commands()},
            {"Looking at domains", inspect_commands()},
            {"Taking snapshots", snapshot_create_commands()},
            {"Looking at snapshots", snapshot_list_commands()},
            {"Going back", snapshot_revert_commands()},
            {"Deleting snapshots", snapshot_delete_commands()},
            {"Snapshot memory", memory_commands()},
            {"About the program", about_commands()}};
}

const Command* find_command(std::string_view name) {
    for (const Topic& topic : all_topics())
        for (const Command& command : topic.commands)
            if (command.name == name) return &command;
    return nullptr;
}

const Command* nearest_command(std::string_view name) {
    if (name.size() > kNameMax) return nullptr;
    const Command* nearest = nullptr;
    std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
    for (const Topic& topic : all_topics()) {
        for (const Command& command : topic.commands) {
            const std::size_t far = distance(name, command.name);
            if (far < least) {
                least = far;
                nearest = &command;
            }
        }
    }
    return nearest;
}

std::string overview() {
    std::string text = "Usage: stasis [OPTION...] COMMAND [ARGUMENT...]\n\nCaptures and rewinds virtual machines.\n";
    for (const Topic& topic : all_topics()) {
        text += fmt::format("\n{}:\n", topic.heading);
        for (const Command& command : topic.commands) text += fmt::format("  {:<18} {}\n", command.name, command.summary);
    }
    return text + "\n\"stasis COMMAND --help\" shows a command's options and an example; stasis(1) is the manual.\n";
}

}  // namespace stasis::cli
