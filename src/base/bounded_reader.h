// A cursor over bytes from outside: every read is checked against the end, and a short input is an error, never
// undefined behaviour. Does not own the bytes. One thread at a time.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/endian.h"
#include "base/result.h"

namespace stasis {

class BoundedReader {
public:
    /// `subject` names the input in errors ("qcow2 header of /x/web.qcow2") and is copied.
    explicit BoundedReader(std::span<const std::byte> bytes, std::string subject = {})
        : bytes_(bytes), subject_(std::move(subject)) {}

    [[nodiscard]] std::size_t position() const { return position_; }
    [[nodiscard]] std::size_t remaining() const { return bytes_.size() - position_; }
    [[nodiscard]] bool at_end() const { return remaining() == 0; }

    /// All reads return ErrorKind::corrupt, and do not move, when fewer bytes are left.
    template <std::unsigned_integral T>
    Result<T> read_big() {
        STASIS_TRY(const auto bytes, read_bytes(sizeof(T)));
        return load_big<T>(bytes);
    }
    template <std::unsigned_integral T>
    Result<T> read_little() {
        STASIS_TRY(const auto bytes, read_bytes(sizeof(T)));
        return load_little<T>(bytes);
    }
    Result<std::uint8_t> read_u8() { return read_big<std::uint8_t>(); }

    /// A plain struct of bytes and OrderedIntegers, as it lies in the input.
    template <class T>
        requires(std::is_trivially_copyable_v<T> && alignof(T) == 1)
    Result<T> read_struct() {
        STASIS_TRY(const auto bytes, read_bytes(sizeof(T)));
        T value;
        std::memcpy(static_cast<void*>(&value), bytes.data(), sizeof(T));
        return value;
    }

    /// The next `count` bytes; valid as long as the input is.
    Result<std::span<const std::byte>> read_bytes(std::uint64_t count);
    /// The next `count` bytes as text, copied. Any byte is accepted.
    Result<std::string> read_string(std::uint64_t count);
    Result<void> skip(std::uint64_t count);
    /// Goes to an absolute position, at most the end.
    Result<void> seek(std::uint64_t position);

private:
    std::span<const std::byte> bytes_;
    std::string subject_;
    std::size_t position_ = 0;
};

}  // namespace stasis
