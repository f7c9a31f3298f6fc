// A snapshot as libvirt's <domainsnapshot> document (https://libvirt.org/formatsnapshot.html), writing side.
// Pure; any thread.
#pragma once

#include <string>

#include <stasis/snapshot.h>

#include "model/snapshot.h"

namespace stasis::model {

[[nodiscard]] std::string snapshot_to_xml(const SnapshotInfo& info, const std::string& domain_xml);

}  // namespace stasis::model
