// Which images nobody needs any more, and the steps that drop them. Pure; any thread.
#pragma once

#include <vector>

#include "plan/facts.h"
#include "plan/step.h"

namespace stasis::plan {

/// Images that `snapshots` hold data in.
[[nodiscard]] std::vector<model::ImageId> images_of(const std::vector<model::Snapshot>& snapshots);

/// Appends steps that drop the active layers which earlier reverts left behind: they are kept until the next snapshot
/// or delete. `new_layers` become active in this plan and are needed beside what is active now.
void drop_left_behind(Plan& plan, const DomainFacts& facts, const std::vector<model::Image>& new_layers);

/// Appends removal of these images' files, then of their records.
void drop_images(Plan& plan, const DomainFacts& facts, const std::vector<model::Image>& images);

}  // namespace stasis::plan
