// The journal's text of a plan: whatever is read from it must come back the same when written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "plan/journal_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto plan = stasis::plan::from_journal_text(text);
    if (!plan) return 0;
    const auto again = stasis::plan::from_journal_text(stasis::plan::to_journal_text(*plan));
    if (!again || *again != *plan) std::abort();
    return 0;
}
