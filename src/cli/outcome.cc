#include "cli/outcome.h"

#include <nlohmann/json.hpp>

namespace stasis::cli {

Outcome::Outcome() : fields_(std::make_unique<Json>(Json::object())) {}
Outcome::~Outcome() = default;

void Outcome::set_fields(Json fields) { *fields_ = std::move(fields); }

}  // namespace stasis::cli
