// Reads what planners may know: once, before planning. Reads only; one thread.
#pragma once

#include <string>

#include "catalog/catalog.h"
#include "host/world.h"
#include "plan/facts.h"

namespace stasis::host {

/// Which facts an operation needs beyond what the catalog says.
struct FactsWanted {
    bool images = false;             ///< headers of all images of the domain
    bool memory_ability = false;     ///< asks the hypervisor
    std::string memory_image;        ///< checked; empty: none
    std::string folder;              ///< whose free space counts; empty: none
};

Result<plan::DomainFacts> read_facts(World& world, const catalog::DomainRecord& record, const FactsWanted& wanted);

/// Headers of the image at `path` and of all that it names below, until one cannot be read.
void read_chain_facts(World& world, std::string path, model::ImageFormat format, plan::ImageFactsByPath& into,
                      std::map<std::string, Error>& unreadable);

}  // namespace stasis::host
