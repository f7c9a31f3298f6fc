// What a changing command tells of its result: lines for people, fields for programs. Value, not copied; any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/json.h"

namespace stasis::cli {

class Outcome {
public:
    Outcome();
    ~Outcome();
    Outcome(const Outcome&) = delete;
    Outcome& operator=(const Outcome&) = delete;

    /// One line, without line feed.
    void say(std::string line) { lines_.push_back(std::move(line)); }
    /// The fields of a JSON object, which join the summary.
    void set_fields(Json fields);

    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
    [[nodiscard]] const Json& fields() const { return *fields_; }

private:
    std::vector<std::string> lines_;
    std::unique_ptr<Json> fields_;  ///< a pointer, because the type is slow to compile and known by name only here
};

}  // namespace stasis::cli
