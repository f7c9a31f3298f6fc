// Cuts the byte stream of a QMP socket into lines, one JSON document each. Bounded: a peer that never ends a line
// is refused. Owned by one session; one thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace stasis::codec::qmp {

inline constexpr std::size_t kLineBytesMax = 16u << 20;  ///< longest line; query-named-block-nodes of 1000 nodes is 2 MiB

class LineFramer {
public:
    explicit LineFramer(std::size_t line_bytes_max = kLineBytesMax) : line_bytes_max_(line_bytes_max) {}
    /// Takes bytes as they came. invalid: a line is longer than allowed; the framer is of no more use.
    Result<void> push(std::string_view bytes);
    /// The next whole line without its end ("\n" or "\r\n"); empty lines are skipped.
    [[nodiscard]] std::optional<std::string> next();

private:
    std::size_t line_bytes_max_;
    std::string pending_;
    std::size_t consumed_ = 0;  ///< bytes of pending_ that next() has given out
    std::size_t scanned_ = 0;   ///< bytes of pending_ known to hold no line end after consumed_
};

}  // namespace stasis::codec::qmp
