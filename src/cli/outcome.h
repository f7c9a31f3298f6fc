// What a changing command tells of its result: lines for people, fields for programs. Value; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/json.h"

namespace stasis::cli {

struct Outcome {
    std::vector<std::string> lines;  ///< without line feeds
    Json fields = Json::object();    ///< go into the summary
};

}  // namespace stasis::cli
