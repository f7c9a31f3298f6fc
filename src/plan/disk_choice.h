// Which way each disk of a snapshot goes: the rules of the manual's section "How disks are captured". Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include <stasis/snapshot.h>

#include "base/result.h"
#include "plan/facts.h"

namespace stasis::plan {

struct DiskChoice {
    DiskTarget target;
    DiskMode mode = DiskMode::no;
    std::string overlay_path;    ///< as requested, for external; empty: default place
    std::int64_t pause_us = 0;   ///< what it adds to the pause of a running guest
};

struct DiskChoices {
    std::vector<DiskChoice> disks;   ///< in the definition's order, DiskMode::no included
    std::vector<std::string> notes;  ///< what was left out or chosen, and why
};

/// The request's own word for a disk wins, then --internal/--external, then the definition's snapshot attribute,
/// then the default: internal where that can be done and all internal disks together hold a running guest no longer
/// than the limit, external otherwise.
Result<DiskChoices> choose_disks(const DomainFacts& facts, const SnapshotCreateOptions& request, const Settings& settings,
                                 const SnapshotName& name);

/// How long an internal snapshot of an image holds a running guest; grows with what is allocated.
[[nodiscard]] std::int64_t internal_pause_us(const model::ImageFacts& image, const Settings& settings);

}  // namespace stasis::plan
