#include "cli/reporter.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/printable.h"

namespace stasis::cli {

void Reporter::document(const Json& json) { environment_.out << line_of(json) << '\n'; }

void Reporter::data(std::string_view text) { environment_.out << text; }

void Reporter::raw(std::string_view text) {
    if (environment_.out_is_terminal)
        environment_.out << printable_document(text);
    else
        environment_.out << text;
    if (!text.ends_with('\n')) environment_.out << '\n';
}

void Reporter::say(std::string_view line) {
    if (!quiet() && !json()) (lines_to_err_ ? environment_.err : environment_.out) << printable(line) << '\n';
}

void Reporter::note(std::string_view text) {
    if (std::ranges::find(notes_, text) != notes_.end()) return;
    notes_.emplace_back(text);
    if (json())
        json_line({{"message_type", "note"}, {"text", text}, {"recovered", nullptr}});
    else
        print_note(text);
}

void Reporter::recovered(const Recovered& recovered) {
    auto text = fmt::format("an interrupted {} was {}", recovered.operation, recovered.outcome);
    if (!recovered.detail.empty()) text += ": " + recovered.detail;
    if (json())
        json_line({{"message_type", "note"}, {"text", text}, {"recovered", json_of(recovered)}});
    else
        print_note(text);
}

void Reporter::print_note(std::string_view text) {
    if (!quiet()) environment_.err << "stasis: note: " << printable(text) << '\n' << std::flush;
}

void Reporter::json_line(const Json& json) {
    (lines_to_err_ ? environment_.err : environment_.out) << line_of(json) << '\n' << std::flush;
}

void Reporter::plan(const PlanReport& plan) {
    std::string text = fmt::format("{} would:\n", printable(plan.operation));
    for (std::size_t i = 0; i < plan.steps.size(); ++i) text += fmt::format("{:>3}. {}\n", i + 1, printable(plan.steps[i]));
    if (plan.steps.empty()) text += "  do nothing\n";
    text += fmt::format("Space:          at most {}\n", format_bytes(plan.space));
    text += fmt::format("Expected pause: {}\n", plan.pause_us ? format_duration(*plan.pause_us) : "none, the guest is not running");
    for (const auto& note : plan.notes) text += fmt::format("Note:           {}\n", printable(note));
    environment_.out << text;
}

void Reporter::steps(const PlanReport& plan) {
    if (!verbose() || json()) return;
    for (std::size_t i = 0; i < plan.steps.size(); ++i)
        environment_.err << fmt::format("stasis: step {}: {}\n", i + 1, printable(plan.steps[i]));
}

void Reporter::error(const Error& error) {
    if (json()) {
        environment_.err << line_of(json_of(error)) << '\n' << std::flush;
        return;
    }
    environment_.err << "stasis: error: " << printable(error.render()) << '\n';
    if (verbose())
        for (const Error* cause = error.cause.get(); cause != nullptr; cause = cause->cause.get())
            environment_.err << "stasis: because: " << printable(cause->render()) << '\n';
    environment_.err << std::flush;
}

bool Reporter::has_noted(std::string_view part) const {
    return std::ranges::any_of(notes_, [part](const std::string& note) { return note.find(part) != std::string::npos; });
}

}  // namespace stasis::cli
