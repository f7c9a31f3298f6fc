// What is known of a snapshot, in the words of the public API. Pure; any thread.
#pragma once

#include <vector>

#include <stasis/snapshot.h>

#include "catalog/catalog.h"
#include "model/snapshot.h"

namespace stasis::host {

/// All snapshots of a domain, in the tree's order of names.
std::vector<SnapshotInfo> describe_snapshots(const catalog::DomainRecord& domain, const model::SnapshotTree& tree);

/// The ones that the options ask for, in the order asked for. not_found: `from` does not exist.
Result<std::vector<SnapshotInfo>> select_snapshots(std::vector<SnapshotInfo> all, const model::SnapshotTree& tree,
                                                   const SnapshotListOptions& options);

std::vector<SnapshotDisk> describe_disks(const model::ImageGraph& images, const std::vector<model::DiskState>& disks);

}  // namespace stasis::host
