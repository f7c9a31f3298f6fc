// Integers with a fixed byte order in memory, so that no call site converts: a struct of Big32 and Little64 members
// can be copied from and to a file as it is. Values without alignment; any thread. load_*/store_* trap on a span that is
// too short (a bug of ours); bytes from outside are read with BoundedReader, which returns errors.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace stasis {

namespace detail {
template <std::unsigned_integral T>
constexpr std::size_t byte_index(std::size_t significance, std::endian order) {
    return order == std::endian::little ? significance : sizeof(T) - 1 - significance;
}

template <std::unsigned_integral T>
constexpr T load(std::span<const std::byte> bytes, std::size_t offset, std::endian order) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) __builtin_trap();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
        value |= std::uint64_t{std::to_integer<std::uint8_t>(bytes[offset + byte_index<T>(i, order)])} << (8 * i);
    return static_cast<T>(value);
}

template <std::unsigned_integral T>
constexpr void store(std::span<std::byte> bytes, std::size_t offset, std::endian order, T value) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) __builtin_trap();
    for (std::size_t i = 0; i < sizeof(T); ++i)
        bytes[offset + byte_index<T>(i, order)] = static_cast<std::byte>(std::uint64_t{value} >> (8 * i));
}
}  // namespace detail

/// load_big<std::uint32_t>(bytes, 4): the integer at bytes 4 to 7, most significant byte first.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_big(std::span<const std::byte> bytes, std::size_t offset = 0) {
    return detail::load<T>(bytes, offset, std::endian::big);
}
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_little(std::span<const std::byte> bytes, std::size_t offset = 0) {
    return detail::load<T>(bytes, offset, std::endian::little);
}
/// store_big<std::uint32_t>(bytes, 4, value). Name the type: the width of the field is not the value's accident.
template <std::unsigned_integral T>
constexpr void store_big(std::span<std::byte> bytes, std::size_t offset, std::type_identity_t<T> value) {
    detail::store<T>(bytes, offset, std::endian::big, value);
}
template <std::unsigned_integral T>
constexpr void store_little(std::span<std::byte> bytes, std::size_t offset, std::type_identity_t<T> value) {
    detail::store<T>(bytes, offset, std::endian::little, value);
}

/// An unaligned integer kept in byte order `Order`; converts when read and when assigned.
template <std::unsigned_integral T, std::endian Order>
class OrderedInteger {
public:
    constexpr OrderedInteger() = default;
    constexpr OrderedInteger(T value) { *this = value; }  // implicit: it stands for the integer
    constexpr OrderedInteger& operator=(T value) {
        detail::store<T>(bytes_, 0, Order, value);
        return *this;
    }
    constexpr operator T() const { return detail::load<T>(bytes_, 0, Order); }
    [[nodiscard]] constexpr T value() const { return *this; }

private:
    std::array<std::byte, sizeof(T)> bytes_{};
};

using Big16 = OrderedInteger<std::uint16_t, std::endian::big>;
using Big32 = OrderedInteger<std::uint32_t, std::endian::big>;
using Big64 = OrderedInteger<std::uint64_t, std::endian::big>;
using Little16 = OrderedInteger<std::uint16_t, std::endian::little>;
using Little32 = OrderedInteger<std::uint32_t, std::endian::little>;
using Little64 = OrderedInteger<std::uint64_t, std::endian::little>;

static_assert(sizeof(Big64) == 8 && alignof(Big64) == 1);

}  // namespace stasis
