// What makes a revert risky: the reasons that --force accepts. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/facts.h"

namespace stasis::plan {

/// One sentence a risk: the definition or machine type has changed since, the snapshot was taken by a newer
/// hypervisor, a frozen image was touched by another tool.
Result<std::vector<std::string>> revert_risks(const DomainFacts& facts, const model::Snapshot& snapshot);

/// Compares "7.2.22" and "10.0": negative, zero, positive. Missing parts count as 0.
[[nodiscard]] int compare_versions(std::string_view a, std::string_view b);

}  // namespace stasis::plan
