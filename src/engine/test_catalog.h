// The real catalog in memory behind the faults of a TestHost, and its content as text. Owned by the TestHost; one
// thread.
#pragma once

#include <memory>
#include <string>

#include "engine/test_host.h"

namespace stasis::engine::testing {

/// Writes are logged, may fail and may be where the tool dies; reads go straight through.
std::unique_ptr<catalog::Catalog> make_faulty(catalog::Catalog& real, TestHost& host);

/// All domains, layers, images and snapshots; not the journal.
std::string catalog_text(catalog::Catalog& catalog);

}  // namespace stasis::engine::testing
