#include "codec/migration/device_tail.h"

#include "base/endian.h"
#include "codec/migration/stream.h"

namespace stasis::codec::migration {

namespace {

constexpr std::size_t kFooterBytes = 5;             // 7e, be32 section id
constexpr std::size_t kDescriptionHeaderBytes = 5;  // 06, be32 length

std::uint8_t at(std::span<const std::byte> bytes, std::size_t position) {
    return std::to_integer<std::uint8_t>(bytes[position]);
}

// Whether bytes[0, end) is a run of sections with its end mark.
bool ends_with_mark(std::span<const std::byte> bytes, std::size_t end, bool footers) {
    if (end < 1 || at(bytes, end - 1) != kEndOfStream) return false;
    return !footers || (end >= 1 + kFooterBytes && at(bytes, end - 1 - kFooterBytes) == kSectionFooter);
}

// Whether a description begins at `position` and reaches exactly to the end.
bool is_description(std::span<const std::byte> bytes, std::size_t position) {
    const std::size_t rest = bytes.size() - position - kDescriptionHeaderBytes;
    return rest >= 2 && at(bytes, position) == kDescription && load_big<std::uint32_t>(bytes, position + 1) == rest &&
           at(bytes, position + kDescriptionHeaderBytes) == '{' && at(bytes, bytes.size() - 1) == '}';
}

}  // namespace

Result<void> check_device_tail(std::span<const std::byte> device_state, const TailRules& rules) {
    if (device_state.size() > kDescriptionHeaderBytes) {
        for (std::size_t position = device_state.size() - kDescriptionHeaderBytes; position-- > 1;)
            if (is_description(device_state, position) && ends_with_mark(device_state, position, rules.footers)) return {};
    }
    if (rules.description_optional && rules.footers && ends_with_mark(device_state, device_state.size(), true)) return {};
    return fail(ErrorKind::corrupt, "read the migration stream", "device state",
                "it does not end with an end mark and a description that reaches to the end: it was cut short or damaged");
}

}  // namespace stasis::codec::migration
