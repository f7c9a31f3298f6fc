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

/// Keeps what a generation is about to be started with, so that a snapshot of it can say so even when the domain has
/// been defined anew meanwhile.
Result<void> keep_launched(World& world, const model::GuestRef& guest, const std::string& definition_xml);

Result<plan::DomainFacts> read_facts(World& world, const catalog::DomainRecord& record, const FactsWanted& wanted);

/// Headers of the image at `path` and of all that it names below, until one cannot be read.
void read_chain_facts(World& world, std::string path, model::ImageFormat format, plan::ImageFactsByPath& into,
                      std::map<std::string, Error>& unreadable);

}  // namespace stasis::host
