// Hand-written plans of every kind on one small domain, with the host they start from, for the tests of this room.
// Plain values; one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/test_host.h"

namespace stasis::engine::testing {

/// A host in a certain state, and a plan to run there.
struct Scenario {
    std::string name;
    std::function<std::unique_ptr<TestHost>()> host;
    plan::Plan plan;
};

/// Domain 'web': vda, vdb external, vdc internal; generation 1 runs and has written.
std::unique_ptr<TestHost> running_host();
Uuid web();
/// snapshot-create, revert, fold, start, destroy, suspend, delete, stopped snapshot.
std::vector<Scenario> scenarios();
Scenario scenario(const std::string& name);

}  // namespace stasis::engine::testing
