// Plans as text and back, for the journal. JSON with a version; opaque to the catalog. Pure; any thread.
// Reading is strict: an unknown step or field is ErrorKind::corrupt, so that recovery never guesses.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "plan/step.h"

namespace stasis::plan {

[[nodiscard]] std::string to_journal_text(const Plan& plan);
Result<Plan> from_journal_text(std::string_view text);

}  // namespace stasis::plan
