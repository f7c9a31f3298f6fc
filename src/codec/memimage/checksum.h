// XXH3-64, seed 0: the checksum of memory images. Pure; a Checksum is used by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace stasis::codec::memimage {

[[nodiscard]] std::uint64_t checksum_of(std::span<const std::byte> bytes);

/// Of bytes that come in pieces.
class Checksum {
public:
    Checksum();
    void add(std::span<const std::byte> bytes);
    [[nodiscard]] std::uint64_t value() const;

private:
    struct State;
    struct Free {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Free> state_;
};

}  // namespace stasis::codec::memimage
