// Reads the part of a migration stream that comes before the pages, from bytes that were kept verbatim. Pure; any
// thread.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "codec/migration/stream.h"

namespace stasis::codec::migration {

/// corrupt or unsupported as StreamParser says, and corrupt when there is more or less than a head.
Result<StreamHead> parse_head(std::span<const std::byte> configuration, std::span<const std::byte> ram_setup);

}  // namespace stasis::codec::migration
