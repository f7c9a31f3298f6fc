// The text of completions/stasis.bash, built in. Constant; any thread.
#pragma once

#include <string_view>

namespace stasis::cli {

[[nodiscard]] std::string_view completion_for_bash();

}  // namespace stasis::cli
