// The stable words of every public enumeration, each written once: JSON, XML and the terminal all use these.
#include <array>
#include <optional>
#include <string_view>

#include <stasis/domain.h>
#include <stasis/error.h>
#include <stasis/snapshot.h>

namespace stasis {

namespace {

// Indexed by the enumerator's value; the order is that of the header.
template <std::size_t N>
using Words = std::array<std::string_view, N>;

constexpr Words<10> kErrorKinds{"invalid", "not_found", "exists",   "busy",        "unsupported",
                                "denied",  "corrupt",   "no_space", "interrupted", "failed"};
constexpr Words<4> kDomainStates{"shut off", "running", "paused", "crashed"};
constexpr Words<4> kSnapshotStates{"shutoff", "running", "paused", "disk-snapshot"};
constexpr Words<3> kDiskModes{"no", "internal", "external"};
constexpr Words<4> kMemoryMethods{"none", "background", "precopy", "stopped"};
constexpr Words<3> kMemoryCompressions{"none", "lz4", "zstd"};

template <class Enum, std::size_t N>
std::string_view word(const Words<N>& words, Enum value) {
    const auto index = static_cast<std::size_t>(value);
    return index < N ? words[index] : std::string_view("unknown");
}

template <class Enum, std::size_t N>
std::optional<Enum> value_of(const Words<N>& words, std::string_view text) {
    for (std::size_t i = 0; i < N; ++i)
        if (words[i] == text) return static_cast<Enum>(i);
    return std::nullopt;
}

}  // namespace

std::string_view to_string(ErrorKind kind) { return word(kErrorKinds, kind); }
std::string_view to_string(DomainState state) { return word(kDomainStates, state); }

std::string_view to_string(SnapshotState state) { return word(kSnapshotStates, state); }
std::optional<SnapshotState> snapshot_state_from(std::string_view text) {
    return value_of<SnapshotState>(kSnapshotStates, text);
}

std::string_view to_string(DiskMode mode) { return word(kDiskModes, mode); }
std::optional<DiskMode> disk_mode_from(std::string_view text) { return value_of<DiskMode>(kDiskModes, text); }

std::string_view to_string(MemoryMethod method) { return word(kMemoryMethods, method); }
std::optional<MemoryMethod> memory_method_from(std::string_view text) {
    return value_of<MemoryMethod>(kMemoryMethods, text);
}

std::string_view to_string(MemoryCompression compression) { return word(kMemoryCompressions, compression); }
std::optional<MemoryCompression> memory_compression_from(std::string_view text) {
    return value_of<MemoryCompression>(kMemoryCompressions, text);
}

}  // namespace stasis
