// Where everything the program says goes, and in which form: lines for people or JSON. Results on standard output;
// remarks for people, and errors in either form, on standard error. Refers to the environment's streams; one thread
// at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/environment.h"
#include "cli/globals.h"
#include "cli/json.h"

namespace stasis::cli {

class Reporter {
public:
    Reporter(Environment& environment, const Globals& globals) : environment_(environment), globals_(globals) {}

    [[nodiscard]] bool json() const { return globals_.json; }
    [[nodiscard]] bool quiet() const { return globals_.quiet; }
    [[nodiscard]] bool verbose() const { return globals_.verbose; }

    /// The one JSON document of a reading command.
    void document(const Json& json);
    /// Data for people, whole lines, printable already.
    void data(std::string_view text);
    /// A document of another language (XML): as it is, but printable on a terminal.
    void raw(std::string_view text);
    /// A confirmation for people; not when quiet.
    void say(std::string_view line);
    /// A remark: "stasis: note: ..." for people, {"message_type":"note"} otherwise. The same remark is made once.
    void note(std::string_view text);
    void recovered(const Recovered& recovered);
    /// One JSON line of a changing command.
    void json_line(const Json& json);
    void plan(const PlanReport& plan);
    void steps(const PlanReport& plan);
    void error(const Error& error);
    /// From here on JSON lines go to standard error, because standard output carries a document or data.
    void keep_output_clean() { lines_to_err_ = true; }
    /// Whether something like this has been remarked already.
    [[nodiscard]] bool has_noted(std::string_view part) const;

private:
    void print_note(std::string_view text);

    Environment& environment_;
    const Globals& globals_;
    bool lines_to_err_ = false;
    std::vector<std::string> notes_;
};

}  // namespace stasis::cli
