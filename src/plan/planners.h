// The planners: pure functions from facts and a request to a Plan, or to an Error that names the rule that refuses.
// They open no file and no socket. One source file each. Any thread.
#pragma once

#include <stasis/host.h>
#include <stasis/snapshot.h>

#include "base/result.h"
#include "plan/facts.h"
#include "plan/step.h"

namespace stasis::plan {

/// Adds or redefines a domain (definition complete: uuid, machine, MACs). `existing`: what is kept under the same
/// name or uuid. A disk whose source is the active layer or the defined source of the existing domain keeps its layers.
Result<Plan> plan_define(model::Domain definition, const std::optional<DomainFacts>& existing, const ImageFactsByPath& images);
Result<Plan> plan_undefine(const DomainFacts& facts);
Result<Plan> plan_start(const DomainFacts& facts, bool paused);
Result<Plan> plan_shutdown(const DomainFacts& facts);
Result<Plan> plan_destroy(const DomainFacts& facts);
Result<Plan> plan_suspend(const DomainFacts& facts);
Result<Plan> plan_resume(const DomainFacts& facts);

Result<Plan> plan_snapshot_create(const DomainFacts& facts, const SnapshotCreateOptions& request, const Settings& settings);
Result<Plan> plan_snapshot_revert(const DomainFacts& facts, const SnapshotRevertOptions& request, const Settings& settings);
/// Several plans to run one after the other: the deletion itself, then one fold a disk whose layers nobody needs any
/// more. A fold that fails leaves a deeper chain and nothing else; later deletes fold it.
Result<std::vector<Plan>> plan_snapshot_delete(const DomainFacts& facts, const SnapshotDeleteOptions& request, const Settings& settings);

/// The chains of all disks with a medium, active layer first, as a launch needs them.
Result<std::vector<model::AttachedDisk>> attached_disks(const model::Domain& definition, const model::ImageGraph& images,
                                                        const model::ActiveLayers& active);

}  // namespace stasis::plan
