// The manual page, the README and the completion must say what the code does.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/completion_text.h"
#include "cli/exit_codes.h"
#include "cli/test_host.h"

namespace stasis::cli {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(std::string(STASIS_SOURCE_DIR) + "/" + path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<Command> all_commands() {
    std::vector<Command> commands;
    for (const Topic& topic : all_topics()) commands.insert(commands.end(), topic.commands.begin(), topic.commands.end());
    return commands;
}

// Roff writes "-" as "\-".
std::string plain(std::string text) { return std::regex_replace(text, std::regex(R"(\\-)"), "-"); }

// The man page's part from one macro line to the next of the same kind.
std::string section(const std::string& page, const std::string& heading, const std::string& macro) {
    const auto begin = page.find("\n" + heading + "\n");
    if (begin == std::string::npos) return {};
    const auto end = page.find("\n" + macro + " ", begin + heading.size());
    return page.substr(begin, end - begin);
}

TEST(ExitCodes, AreTheOnesOfTheErrorKinds) {
    std::set<int> codes;
    for (const auto& row : kExitCodes) EXPECT_TRUE(codes.insert(row.code).second) << row.code << " stands twice";
    for (int i = 0; i <= static_cast<int>(ErrorKind::failed); ++i) {
        const auto kind = static_cast<ErrorKind>(i);
        const auto row = std::ranges::find(kExitCodes, exit_code(kind), &ExitCode::code);
        ASSERT_NE(row, kExitCodes.end()) << to_string(kind);
        EXPECT_EQ(row->name, to_string(kind));
    }
}

TEST(ExitCodes, StandInTheManualPage) {
    const std::string part = section(plain(text_of("docs/man/stasis.1")), ".SH EXIT STATUS", ".SH") + "\n";
    std::string wanted;
    for (const auto& row : kExitCodes) wanted += fmt::format(".TP\n.B {}\n({}) {}.\n", row.code, row.name, row.meaning);
    EXPECT_NE(part.find(wanted), std::string::npos) << "the section must read:\n" << wanted << "but reads:\n" << part;
    EXPECT_EQ(std::ranges::count(part, '('), static_cast<std::ptrdiff_t>(kExitCodes.size())) << "there are more codes in it";
}

TEST(ExitCodes, StandInTheReadme) {
    std::string wanted;
    for (const auto& row : kExitCodes) wanted += fmt::format("| {} | {} | {} |\n", row.code, row.name, row.meaning);
    EXPECT_NE(text_of("README.md").find(wanted), std::string::npos) << "the README must contain:\n" << wanted;
}

TEST(ManualPage, HasEveryCommandWithItsOptions) {
    const std::string page = plain(text_of("docs/man/stasis.1"));
    const std::string common = section(page, ".SH OPTIONS", ".SH");
    for (const Command& command : all_commands()) {
        const auto begin = page.find(fmt::format("\n.SS {}\n", command.name));
        ASSERT_NE(begin, std::string::npos) << command.name;
        const auto end = std::min(page.find("\n.SS ", begin + 1), page.find("\n.SH ", begin + 1));
        const std::string own = page.substr(begin, end - begin);
        for (const auto& name : option_names_of(command))
            EXPECT_TRUE(own.find(name) != std::string::npos || common.find(name) != std::string::npos) << command.name << ' ' << name;
    }
}

TEST(ManualPage, HasNoCommandThatIsNot) {
    const std::string page = text_of("docs/man/stasis.1");
    const std::regex heading(R"(\n\.SS ([a-z\\-]+)\n)");
    for (std::sregex_iterator at(page.begin(), page.end(), heading), end; at != end; ++at)
        EXPECT_NE(find_command(plain((*at)[1])), nullptr) << (*at)[1];
}

TEST(Readme, NamesEveryCommand) {
    const std::string readme = text_of("README.md");
    for (const Command& command : all_commands())
        EXPECT_NE(readme.find(fmt::format("`{}`", command.name)), std::string::npos) << command.name;
}

// The words between '(' and ')' or quotes that follow `marker` in the completion.
std::set<std::string> words_in(const std::string& text) {
    std::set<std::string> words;
    std::istringstream stream(std::regex_replace(text, std::regex(R"(['\\;]|echo)"), " "));
    for (std::string word; stream >> word;) words.insert(word);
    return words;
}

TEST(Completion, IsTheFileBuiltIn) {
    EXPECT_EQ(completion_for_bash(), text_of("completions/stasis.bash"));
    EXPECT_EQ(testing::TestProgram().run({"completion", "bash"}).out, text_of("completions/stasis.bash"));
}

TEST(Completion, KnowsEveryCommand) {
    const std::string text(completion_for_bash());
    std::smatch found;
    ASSERT_TRUE(std::regex_search(text, found, std::regex(R"(\n_stasis_commands='([^']*)')")));
    std::set<std::string> commands;
    for (const Command& command : all_commands()) commands.emplace(command.name);
    EXPECT_EQ(words_in(found[1]), commands);
}

TEST(Completion, KnowsEveryOptionAndNoOther) {
    const std::string text(completion_for_bash());
    std::smatch found;
    ASSERT_TRUE(std::regex_search(text, found, std::regex(R"(\n_stasis_common='([^']*)')")));
    const auto common = words_in(found[1]);
    for (const Command& command : all_commands()) {
        const auto label = fmt::format(R"(\n        (?:[a-z |-]* )?{}(?: \|[a-z |-]*)?\)([^;]*);;)", command.name);
        ASSERT_TRUE(std::regex_search(text, found, std::regex(label))) << command.name;
        auto known = words_in(found[1]);
        known.insert(common.begin(), common.end());
        const auto names = option_names_of(command);
        EXPECT_EQ(known, std::set<std::string>(names.begin(), names.end())) << command.name;
    }
}

}  // namespace
}  // namespace stasis::cli
