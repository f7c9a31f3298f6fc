#include "codec/migration/head.h"

#include <algorithm>
#include <array>

#include "codec/migration/stream_parser.h"

namespace stasis::codec::migration {

namespace {

class NoPages final : public StreamSink {
public:
    Result<void> head(const StreamHead&) override { return {}; }
    void armed() override {}
    Result<void> page(std::uint32_t, std::uint64_t, PageBytes) override { return {}; }
    Result<void> zero_page(std::uint32_t, std::uint64_t) override { return {}; }
};

}  // namespace

Result<StreamHead> parse_head(std::span<const std::byte> configuration, std::span<const std::byte> ram_setup) {
    NoPages sink;
    StreamParser parser(sink);
    STASIS_CHECK(parser.push(configuration));
    STASIS_CHECK(parser.push(ram_setup));
    if (!parser.head_complete()) {  // sections without footers: only the next section tells that the set-up is over
        constexpr std::array<std::byte, 1> next = {std::byte{kSectionPart}};
        STASIS_CHECK(parser.push(next));
    }
    if (!parser.head_complete() || !std::ranges::equal(parser.head().configuration, configuration) ||
        !std::ranges::equal(parser.head().ram_setup, ram_setup))
        return fail(ErrorKind::corrupt, "read the migration stream", "its head", "it is not a configuration and a memory set-up");
    return parser.head();
}

}  // namespace stasis::codec::migration
