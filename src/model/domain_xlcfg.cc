#include "model/domain_xlcfg.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "codec/xlcfg/config.h"
#include "model/xlcfg_devices.h"
#include "model/xml/words.h"

namespace stasis::model {

namespace {

using codec::xlcfg::Atom;
using codec::xlcfg::Setting;

constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::uint64_t kMemoryMiBMax = kDomainMemoryBytesMax / kMiB;

class Builder {
public:
    Builder(const std::string& source, const DomainXmlOptions& options) : in_{source, options, {}} {}

    Result<ParsedDomain> build(const std::vector<Setting>& settings) {
        for (const auto& setting : settings) STASIS_CHECK(one(setting));
        STASIS_CHECK(finish());
        return ParsedDomain{std::move(domain_), std::move(in_.left_out)};
    }

private:
    using Reader = Result<void> (Builder::*)(const Setting&);
    struct Key {
        std::string_view name;
        Reader read;
    };
    static const std::array<Key, 29> kKeys;

    Result<void> one(const Setting& setting) {
        const auto key = std::ranges::find(kKeys, setting.key, &Key::name);
        if (key == kKeys.end()) return in_.outside(setting.place, fmt::format("setting '{}'", setting.key));
        return (this->*key->read)(setting);
    }

    std::unexpected<Error> refuse(const Setting& setting, std::string why, std::string next = {}) const {
        return codec::xlcfg::refuse(in_.source, setting.place, fmt::format("'{}' {}", setting.key, why), std::move(next));
    }

    // ---- values ----
    Result<std::string> text(const Setting& setting) const {
        if (setting.is_list) return refuse(setting, "is a list, where one value belongs");
        return setting.value.text;
    }
    Result<std::string> path(const Setting& setting) const {
        STASIS_TRY(const auto value, text(setting));
        return in_.resolve(setting.value.place, value);
    }
    Result<std::int64_t> number(const Setting& setting, std::uint64_t least, std::uint64_t most) const {
        STASIS_TRY(const auto unused, text(setting));
        (void)unused;
        STASIS_TRY(const auto value, codec::xlcfg::number_of(setting.value, in_.source));
        if (std::cmp_less(value, least) || std::cmp_greater(value, most))
            return refuse(setting, fmt::format("is {}, and {} to {} are possible", value, least, most));
        return value;
    }
    Result<bool> boolean(const Setting& setting) const {
        STASIS_TRY(const auto value, number(setting, 0, UINT32_MAX));
        return value != 0;
    }

    // ---- settings ----
    Result<void> name(const Setting& s) {
        STASIS_TRY(const auto value, text(s));
        const auto parsed = DomainName::parse(value);
        if (!parsed) return refuse(s, fmt::format("is no domain name: {}", parsed.error().why), parsed.error().next);
        domain_.name = *parsed;
        return {};
    }
    Result<void> uuid(const Setting& s) {
        STASIS_TRY(const auto value, text(s));
        const auto parsed = Uuid::parse(value);
        if (!parsed) return refuse(s, "is no uuid");
        domain_.uuid = *parsed;
        return {};
    }
    Result<void> memory(const Setting& s) {
        STASIS_TRY(const auto value, number(s, 1, kMemoryMiBMax));
        domain_.memory_bytes = static_cast<std::uint64_t>(value) * kMiB;
        return {};
    }
    Result<void> maxmem(const Setting& s) {
        STASIS_TRY(const auto value, number(s, 1, kMemoryMiBMax));
        maxmem_ = static_cast<std::uint64_t>(value) * kMiB;
        maxmem_place_ = s.place;
        return {};
    }
    Result<void> vcpus(const Setting& s) {
        STASIS_TRY(const auto value, number(s, 1, kDomainVcpusMax));
        domain_.vcpus = static_cast<std::uint32_t>(value);
        return {};
    }
    Result<void> maxvcpus(const Setting& s) {
        STASIS_TRY(const auto value, number(s, 1, kDomainVcpusMax));
        maxvcpus_ = static_cast<std::uint32_t>(value);
        maxvcpus_place_ = s.place;
        return {};
    }
    Result<void> type(const Setting& s) {
        STASIS_TRY(const auto value, text(s));
        if (value == "hvm") return {};
        return refuse(s, fmt::format("is '{}', and only hvm guests run on QEMU", value), "write type=\"hvm\"");
    }
    Result<void> kernel(const Setting& s) { return path_into(s, domain_.os.kernel); }
    Result<void> ramdisk(const Setting& s) { return path_into(s, domain_.os.initrd); }
    Result<void> emulator(const Setting& s) { return path_into(s, domain_.emulator); }
    Result<void> path_into(const Setting& s, std::string& place) {
        STASIS_TRY(place, path(s));
        return {};
    }
    Result<void> cmdline(const Setting& s) {
        STASIS_TRY(cmdline_, text(s));
        return {};
    }
    Result<void> extra(const Setting& s) {
        STASIS_TRY(extra_, text(s));
        extra_place_ = s.place;
        return {};
    }
    Result<void> root(const Setting& s) {
        STASIS_TRY(root_, text(s));
        extra_place_ = s.place;
        return {};
    }
    Result<void> firmware(const Setting& s) {
        STASIS_TRY(const auto value, text(s));
        if (value == "bios" || value == "seabios") return {};  // what there is without saying so
        return in_.outside(s.place, fmt::format("firmware=\"{}\"", value));
    }
    Result<void> boot(const Setting& s) {
        STASIS_TRY(const auto value, text(s));
        constexpr Words<char, 4> kLetters{{{{'a', "fd"}, {'c', "hd"}, {'d', "cdrom"}, {'n', "network"}}}};
        for (const char letter : value) {
            const auto word = kLetters.of(letter);
            if (word.empty()) return refuse(s, fmt::format("holds '{}', which is none of a, c, d, n", letter));
            domain_.os.boot.emplace_back(word);
        }
        return {};
    }
    Result<void> localtime(const Setting& s) {
        STASIS_TRY(const bool on, boolean(s));
        domain_.clock.offset = on ? "localtime" : "utc";
        return {};
    }
    Result<void> feature(const Setting& s) {
        STASIS_TRY(const bool on, boolean(s));
        if (!on) std::erase_if(domain_.features, [&](const auto& f) { return f.first == s.key; });
        return {};
    }
    Result<void> action(const Setting& s) {
        STASIS_TRY(const auto value, text(s));
        const bool crash = s.key == "on_crash";
        if (!(crash ? is_one_of(value, kCrashActions) : is_one_of(value, kPowerActions))) return refuse(s, fmt::format("is '{}', which is no action", value));
        (crash ? domain_.on_crash : s.key == "on_reboot" ? domain_.on_reboot : domain_.on_poweroff) = value;
        return {};
    }
    Result<void> vnc(const Setting& s) {
        STASIS_TRY(const bool on, boolean(s));
        if (on) domain_.vnc = Vnc{};
        return {};
    }
    Result<void> arguments(const Setting& s) {
        if (!s.is_list) return refuse(s, "is no list");
        for (const auto& item : s.items) domain_.qemu_args.push_back(item.text);
        return {};
    }
    template <class Add>
    Result<void> each(const Setting& s, bool single_too, Add add) {
        if (!s.is_list && !single_too) return refuse(s, "is no list", fmt::format("write {}=[ '...' ]", s.key));
        if (!s.is_list) return add(in_, s.value, domain_);
        for (const auto& item : s.items) STASIS_CHECK(add(in_, item, domain_));
        return {};
    }
    Result<void> disk(const Setting& s) { return each(s, false, add_xl_disk); }
    Result<void> vif(const Setting& s) { return each(s, false, add_xl_vif); }
    Result<void> serial(const Setting& s) { return each(s, true, add_xl_serial); }

    // ---- what depends on several settings ----
    Result<void> finish() {
        if (domain_.name.str().empty()) return missing("name", "write name=\"web\"");
        if (domain_.memory_bytes == 0) return missing("memory", "write memory=512, in MiB");
        if (maxmem_ != 0 && maxmem_ != domain_.memory_bytes) STASIS_CHECK(in_.outside(maxmem_place_, "maxmem that differs from memory"));
        if (maxvcpus_ != 0 && maxvcpus_ != domain_.vcpus) STASIS_CHECK(in_.outside(maxvcpus_place_, "maxvcpus that differs from vcpus"));
        return join_cmdline();
    }
    std::unexpected<Error> missing(std::string_view key, std::string next) const {
        return codec::xlcfg::refuse(in_.source, {}, fmt::format("'{}' is not set", key), std::move(next));
    }
    // xl puts root= before extra=, and takes neither beside cmdline=.
    Result<void> join_cmdline() {
        const bool parts = !root_.empty() || !extra_.empty();
        if (!cmdline_.empty() && parts) STASIS_CHECK(in_.outside(extra_place_, "root and extra beside cmdline"));
        if (!cmdline_.empty() || !parts) {
            domain_.os.cmdline = cmdline_;
            return {};
        }
        domain_.os.cmdline = root_.empty() ? extra_ : fmt::format("root={}{}{}", root_, extra_.empty() ? "" : " ", extra_);
        return {};
    }

    XlInput in_;
    // xl.cfg(5): acpi, apic and pae are on unless they are turned off.
    Domain domain_{.features = {{"acpi", ""}, {"apic", ""}, {"pae", ""}}};
    std::string cmdline_, root_, extra_;
    codec::xlcfg::Place extra_place_, maxmem_place_, maxvcpus_place_;
    std::uint64_t maxmem_ = 0;
    std::uint32_t maxvcpus_ = 0;
};

const std::array<Builder::Key, 29> Builder::kKeys{{
    {"name", &Builder::name},
    {"uuid", &Builder::uuid},
    {"memory", &Builder::memory},
    {"maxmem", &Builder::maxmem},
    {"vcpus", &Builder::vcpus},
    {"maxvcpus", &Builder::maxvcpus},
    {"type", &Builder::type},
    {"builder", &Builder::type},
    {"kernel", &Builder::kernel},
    {"ramdisk", &Builder::ramdisk},
    {"cmdline", &Builder::cmdline},
    {"root", &Builder::root},
    {"extra", &Builder::extra},
    {"firmware", &Builder::firmware},
    {"boot", &Builder::boot},
    {"localtime", &Builder::localtime},
    {"acpi", &Builder::feature},
    {"apic", &Builder::feature},
    {"pae", &Builder::feature},
    {"on_poweroff", &Builder::action},
    {"on_reboot", &Builder::action},
    {"on_crash", &Builder::action},
    {"disk", &Builder::disk},
    {"vif", &Builder::vif},
    {"serial", &Builder::serial},
    {"vnc", &Builder::vnc},
    {"device_model_override", &Builder::emulator},
    {"device_model_args", &Builder::arguments},
    {"device_model_args_hvm", &Builder::arguments},
}};

}  // namespace

Result<ParsedDomain> domain_from_xlcfg(std::string_view text, const std::string& source, const DomainXmlOptions& options) {
    auto settings = codec::xlcfg::parse(text, source);
    if (!settings) return fail_because(std::move(settings).error(), "read domain definition", source);
    auto parsed = Builder(source, options).build(*settings);
    if (!parsed) return fail_because(std::move(parsed).error(), "read domain definition", source);
    if (auto valid = validate(parsed->domain); !valid) return fail_because(std::move(valid).error(), "read domain definition", source);
    return parsed;
}

}  // namespace stasis::model
