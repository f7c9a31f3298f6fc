// For tests only: makes QEMU migration streams by hand, byte by byte and independent of the code under test. One
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace stasis::codec::migration::testing {

/// 4096 bytes that depend on `seed`: half of them repeat, so that they pack to about half.
inline std::array<std::byte, 4096> sample_page(std::uint32_t seed) {
    std::array<std::byte, 4096> page{};
    std::uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
    for (std::size_t i = 0; i < page.size(); ++i) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        page[i] = static_cast<std::byte>(i % 1024 < 512 ? seed + 1 : state >> 56);
    }
    return page;
}

class StreamBuilder {
public:
    using Blocks = std::initializer_list<std::pair<std::string_view, std::uint64_t>>;

    std::vector<std::byte> bytes;
    bool footers = true;
    std::uint32_t ram_section = 2;

    StreamBuilder& u8(unsigned value) {
        bytes.push_back(static_cast<std::byte>(value));
        return *this;
    }
    StreamBuilder& be32(std::uint32_t value) { return u8(value >> 24).u8(value >> 16 & 255).u8(value >> 8 & 255).u8(value & 255); }
    StreamBuilder& be64(std::uint64_t value) {
        return be32(static_cast<std::uint32_t>(value >> 32)).be32(static_cast<std::uint32_t>(value));
    }
    StreamBuilder& raw(std::string_view text) {
        for (const char c : text) u8(static_cast<unsigned char>(c));
        return *this;
    }
    StreamBuilder& name(std::string_view text) { return u8(static_cast<unsigned>(text.size())).raw(text); }

    StreamBuilder& begin() { return be32(0x5145564d).be32(3); }
    StreamBuilder& configuration(std::string_view machine) { return u8(7).be32(static_cast<std::uint32_t>(machine.size())).raw(machine); }
    StreamBuilder& capabilities(std::initializer_list<std::string_view> names) {
        u8(5).name("configuration/capabilities").be32(1).be32(static_cast<std::uint32_t>(names.size()));
        for (const auto one : names) name(one);
        return *this;
    }
    StreamBuilder& footer() { return footers ? u8(0x7e).be32(ram_section) : *this; }
    StreamBuilder& ram_start(std::string_view section = "ram") { return u8(1).be32(ram_section).name(section).be32(0).be32(4); }
    StreamBuilder& ram_setup(Blocks blocks) {
        std::uint64_t total = 0;
        for (const auto& block : blocks) total += block.second;
        ram_start().be64(total | 4);
        for (const auto& [block, length] : blocks) name(block).be64(length);
        return be64(0x10).footer();
    }
    StreamBuilder& begin_part(unsigned type = 2) { return u8(type).be32(ram_section); }
    StreamBuilder& end_part() { return be64(0x10).footer(); }
    /// Empty block name: the block of the record before.
    StreamBuilder& record(std::string_view block, std::uint64_t page, std::uint64_t flags) {
        be64(page * 4096 | flags | (block.empty() ? 0x20u : 0u));
        return block.empty() ? *this : name(block);
    }
    StreamBuilder& zero(std::string_view block, std::uint64_t page, unsigned fill = 0) { return record(block, page, 2).u8(fill); }
    StreamBuilder& page(std::string_view block, std::uint64_t page, std::uint32_t seed) {
        record(block, page, 8);
        const auto content = sample_page(seed);
        bytes.insert(bytes.end(), content.begin(), content.end());
        return *this;
    }
    StreamBuilder& device(std::uint32_t id, std::string_view device_name, std::string_view state) {
        u8(4).be32(id).name(device_name).be32(0).be32(1).raw(state);
        return footers ? u8(0x7e).be32(id) : *this;
    }
    StreamBuilder& end() { return u8(0); }
    StreamBuilder& description(std::string_view json = R"({"page_size": 4096, "devices": []})") {
        return u8(6).be32(static_cast<std::uint32_t>(json.size())).raw(json);
    }
};

/// A background snapshot of two blocks: pc.ram (8 pages, of which 1 and 5 hold something) and pc.rom (2 pages, both).
inline StreamBuilder small_background_stream() {
    StreamBuilder stream;
    stream.begin().configuration("pc-q35-7.2").capabilities({"background-snapshot"});
    stream.ram_setup({{"pc.ram", 8 * 4096}, {"pc.rom", 2 * 4096}});
    stream.begin_part().zero("pc.ram", 0).page("", 1, 11).zero("", 2).zero("", 3).end_part();
    stream.begin_part().zero("pc.ram", 4).page("", 5, 15).zero("", 6).zero("", 7).end_part();
    stream.begin_part().page("pc.rom", 0, 20).page("", 1, 21).end_part();
    stream.device(3, "timer", std::string_view("\0\6\0\0\0\1\x7e\0", 8)).device(40, "cpu", "registers").end().description();
    return stream;
}

/// The same guest, sent while it ran: pages come again, a stored page becomes zero and a zero page stored.
inline StreamBuilder small_precopy_stream() {
    StreamBuilder stream;
    stream.begin().configuration("pc-q35-7.2");
    stream.ram_setup({{"pc.ram", 8 * 4096}, {"pc.rom", 2 * 4096}});
    stream.begin_part().zero("pc.ram", 0).page("", 1, 1).page("", 2, 2).zero("", 3).zero("", 4).zero("", 5).end_part();
    stream.begin_part().zero("pc.ram", 6).zero("", 7).page("pc.rom", 0, 20).page("", 1, 99).end_part();
    stream.begin_part().page("pc.ram", 1, 11).zero("", 2).page("", 5, 14).end_part();
    stream.begin_part(3).page("pc.ram", 5, 15).page("pc.rom", 1, 21).end_part();
    stream.device(3, "timer", "ticks").device(40, "cpu", "registers").end().description();
    return stream;
}

}  // namespace stasis::codec::migration::testing
