// Turns a document or options into a complete definition: what the notation leaves open is decided here, once.
// Asks the driver for the machine type; writes nothing; one thread.
#pragma once

#include <string>

#include <stasis/host.h>

#include "host/world.h"
#include "model/xml/domain_xml.h"

namespace stasis::host {

/// Reads XML or xl.cfg, told apart by the first character when not stated.
Result<model::ParsedDomain> read_definition(const DefineOptions& options);
Result<model::Domain> definition_from_options(const DefineAsOptions& options);

/// Fills in uuid (`known` when a domain of this name exists, else a new one), MAC addresses (from uuid and position,
/// so that they stay), the versioned machine type, and the place of the variable store.
Result<void> complete_definition(World& world, const std::string& root, const std::optional<Uuid>& known,
                                 model::Domain& domain);

}  // namespace stasis::host
