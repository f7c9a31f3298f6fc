#include "codec/memimage/checksum.h"

#include <new>

#include <xxhash.h>

namespace stasis::codec::memimage {

namespace {
// The library's own type cannot be named in our header without including its header everywhere.
template <class State>
XXH3_state_t* library(State* state) {
    return reinterpret_cast<XXH3_state_t*>(state);
}
}  // namespace

std::uint64_t checksum_of(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

void Checksum::Free::operator()(State* state) const { XXH3_freeState(library(state)); }

Checksum::Checksum() : state_(reinterpret_cast<State*>(XXH3_createState())) {
    if (!state_) throw std::bad_alloc();  // as any other allocation of this size
    XXH3_64bits_reset(library(state_.get()));
}

void Checksum::add(std::span<const std::byte> bytes) {
    XXH3_64bits_update(library(state_.get()), bytes.data(), bytes.size());
}

std::uint64_t Checksum::value() const { return XXH3_64bits_digest(library(state_.get())); }

}  // namespace stasis::codec::memimage
