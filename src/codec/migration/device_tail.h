// Tells a whole device state from one that was cut short. Device state is opaque here; what can be checked is how a
// stream must end: the last section's footer, the end mark 00, and a description 06, be32 n, n bytes of JSON that
// reach exactly to the end. Pure; any thread.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"

namespace stasis::codec::migration {

struct TailRules {
    bool footers = true;                ///< the stream's sections have footers
    /// The guest runs with suppress-vmdesc, so that there is nothing behind the end mark. A cut directly behind the
    /// end mark cannot be told from a whole stream then (it loses the description only, which nobody loads).
    bool description_optional = false;
};

/// corrupt when `device_state` does not end as a stream must.
Result<void> check_device_tail(std::span<const std::byte> device_state, const TailRules& rules);

}  // namespace stasis::codec::migration
