// Reads a QEMU migration stream that comes in pieces of any size and passes on what it holds: the head, page by page
// the memory, and at the end the device state. Understands background snapshots (RAM has no end section) and ordinary
// streams (pages may come more than once; the last one counts). Does not own the sink. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "codec/migration/device_tail.h"
#include "codec/migration/stream.h"

namespace stasis::codec::migration {

using PageBytes = std::span<const std::byte, kPageBytes>;

/// Receives what the parser finds. An error stops the parser and is returned by push().
class StreamSink {
public:
    virtual ~StreamSink() = default;
    /// Once, before any page. `head` lives as long as the parser.
    virtual Result<void> head(const StreamHead& head) = 0;
    /// Once, when the first section after the RAM set-up has begun: write tracking is armed by then.
    virtual void armed() = 0;
    /// `block` counts in StreamHead::blocks, `page` in pages from its start; both are within bounds.
    virtual Result<void> page(std::uint32_t block, std::uint64_t page, PageBytes bytes) = 0;
    virtual Result<void> zero_page(std::uint32_t block, std::uint64_t page) = 0;
};

/// Errors of push() and finish(): corrupt when a rule of the format is broken or the stream ends early, unsupported
/// (naming it) for a feature that is not read here. After an error the parser must not be used again.
class StreamParser {
public:
    /// `description_optional`: see TailRules.
    explicit StreamParser(StreamSink& sink, bool description_optional = false);

    Result<void> push(std::span<const std::byte> bytes);
    /// Call at the end of the stream: corrupt unless it was whole.
    Result<void> finish() const;

    [[nodiscard]] const StreamHead& head() const { return head_; }
    [[nodiscard]] bool head_complete() const { return head_delivered_; }
    /// From the first full section to the end of the stream; at most kDeviceStateBytesMax.
    [[nodiscard]] const std::vector<std::byte>& device_state() const { return device_state_; }

private:
    using Input = std::span<const std::byte>;
    /// What a state took from the front of its input; kMore: the item is not complete yet, nothing was taken.
    using Taken = Result<std::size_t>;
    using State = Taken (StreamParser::*)(Input);
    static constexpr std::size_t kMore = static_cast<std::size_t>(-1);

    // Before RAM.
    Taken magic(Input in);
    Taken configuration_section(Input in);
    Taken configuration_subsection(Input in);
    Taken capability_count(Input in);
    Taken capability(Input in);
    Taken before_ram(Input in);
    // RAM set-up.
    Taken ram_start(Input in);
    Taken ram_total(Input in);
    Taken ram_block(Input in);
    Taken ram_setup_end(Input in);
    Taken ram_setup_footer(Input in);
    // Pages.
    Taken section(Input in);
    Taken part_header(Input in);
    Taken record(Input in);
    Taken part_footer(Input in);
    // The rest.
    Taken device(Input in);

    Result<std::size_t> run(Input in);
    Result<void> push_carried(Input& bytes);
    Taken check_footer(Input in);
    Result<void> deliver_head();
    Result<void> find_block(std::span<const std::byte> name);
    Result<void> deliver(std::uint64_t flags, std::uint64_t page, Input payload);
    [[nodiscard]] std::unexpected<Error> broken(std::string why) const;
    [[nodiscard]] std::unexpected<Error> not_read(std::string what) const;

    StreamSink& sink_;
    State state_ = &StreamParser::magic;
    StreamHead head_;
    std::vector<std::byte> device_state_;
    std::vector<std::byte>* verbatim_ = nullptr;  ///< where taken bytes are kept; none: nowhere
    std::size_t verbatim_max_ = 0;
    std::vector<std::byte> carry_;                ///< the front of an item that is not complete yet
    std::uint64_t position_ = 0;                  ///< of the next item in the stream
    std::uint64_t listed_bytes_ = 0;              ///< of blocks seen in the RAM set-up
    std::uint32_t capabilities_left_ = 0;
    std::uint32_t block_ = 0;                     ///< of the last record
    bool has_block_ = false;
    bool head_delivered_ = false;
    bool armed_ = false;
    bool ram_ended_ = false;
    bool description_optional_ = false;
};

}  // namespace stasis::codec::migration
