// The vocabulary types of the public API: names that cannot be wrong, sizes, identities, times.
// Values; free to use from any thread. A constructed name has passed its rule; parse() is the only way in.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include <stasis/error.h>

namespace stasis {

inline constexpr std::size_t kNameBytesMax = 128;  ///< longest domain or snapshot name

namespace detail {
/// A string that has passed the rule of its Tag.
template <class Tag>
class CheckedName {
public:
    /// ErrorKind::invalid, naming the rule that the text breaks.
    static Result<CheckedName> parse(std::string_view text);
    [[nodiscard]] const std::string& str() const { return text_; }
    auto operator<=>(const CheckedName&) const = default;
    CheckedName() = default;  ///< empty: only for containers and default members

private:
    std::string text_;
};
struct DomainNameTag;
struct SnapshotNameTag;
struct DiskTargetTag;
}  // namespace detail

/// 1 to 128 bytes of printable UTF-8, no '/', no leading '.' or '-', no white space at either end.
using DomainName = detail::CheckedName<detail::DomainNameTag>;
/// The same rule as DomainName: the name becomes a folder and part of file names.
using SnapshotName = detail::CheckedName<detail::SnapshotNameTag>;
/// A guest device name: a lower-case letter, then 1 to 15 of [a-z0-9] ("vda", "sdb", "xvda").
using DiskTarget = detail::CheckedName<detail::DiskTargetTag>;

/// RFC 4122 identity; all zero means none.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};
    /// Accepts 32 hex digits with or without hyphens; ErrorKind::invalid otherwise.
    static Result<Uuid> parse(std::string_view text);
    static Uuid random();
    [[nodiscard]] std::string str() const;  ///< 8-4-4-4-12, lower case
    [[nodiscard]] bool is_nil() const;
    auto operator<=>(const Uuid&) const = default;
};

/// A size or amount in bytes.
struct Bytes {
    std::uint64_t value = 0;
    auto operator<=>(const Bytes&) const = default;
};

/// Reads "512M", "1GiB", "4096", "2k"; binary units; ErrorKind::invalid on anything else or overflow.
Result<Bytes> parse_bytes(std::string_view text);
/// "512 MiB", "1.5 GiB", "17 B".
[[nodiscard]] std::string format_bytes(Bytes bytes);

/// Microseconds since the epoch, UTC.
struct UnixMicros {
    std::int64_t value = 0;
    auto operator<=>(const UnixMicros&) const = default;
};

}  // namespace stasis
