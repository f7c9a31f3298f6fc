#include "codec/xlcfg/disk_spec.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace stasis::codec::xlcfg {

namespace {

constexpr std::size_t kShownBytesMax = 200;
constexpr std::array<std::string_view, 6> kFormats{"raw", "qcow", "qcow2", "vhd", "empty", "qed"};
constexpr std::array<std::string_view, 4> kBackendTypes{"phy", "tap", "qdisk", "standalone"};
constexpr std::array<std::string_view, 7> kIgnoredPrefixes{"tapdisk:", "tap:", "tap2:", "aio:", "ioemu:", "file:", "phy:"};
constexpr std::array<std::string_view, 4> kScriptPrefixes{"iscsi:", "nbd:", "enbd:", "drbd:"};
// Of other hosts and purposes; each asks for something that the guest would miss if it were ignored.
constexpr std::array<std::string_view, 6> kForeignKeys{"backend", "script", "colo-host", "colo-port", "colo-export", "active-disk"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
    return std::ranges::find(words, word) != words.end();
}

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text), rest_(text) {}

    Result<DiskSpec> all() {
        while (!rest_.empty()) {
            skip_blanks();
            if (rest_.starts_with("target=")) {
                STASIS_CHECK(take_target(rest_.substr(7)));
                rest_ = {};
                break;
            }
            if (!has_target_) STASIS_CHECK(prefixes());
            const auto comma = std::min(rest_.find(','), rest_.size());
            const auto parameter = rest_.substr(0, comma);
            const bool last = comma == rest_.size();
            rest_.remove_prefix(last ? comma : comma + 1);
            if (last && parameter.empty()) break;  // nothing stands behind the last comma
            STASIS_CHECK(take(parameter));
        }
        return finished();
    }

private:
    std::unexpected<Error> refuse(std::string why, std::string next = {}) const {
        return fail(ErrorKind::invalid, "read disk", fmt::format("'{}'", text_.substr(0, kShownBytesMax)), std::move(why), std::move(next));
    }

    void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size())); }

    // "raw:", "tap:aio:", "nbd:" before a path. What looks like one and is none is refused, as xl does.
    Result<void> prefixes() {
        while (true) {
            const auto colon = rest_.find_first_of(":,=/");
            if (colon == std::string_view::npos || rest_[colon] != ':') return {};
            const auto prefix = rest_.substr(0, colon + 1);
            const auto name = prefix.substr(0, colon);
            if (is_one_of(prefix, kScriptPrefixes))
                spec_.foreign.push_back(fmt::format("script=block-{}", name));
            else if (is_one_of(name, kFormats) && name != "empty" && name != "qed")
                STASIS_CHECK(take_format(name));
            else if (!is_one_of(prefix, kIgnoredPrefixes))
                return refuse(fmt::format("'{}' is no prefix that xl knows", prefix), "write target= last for a path with a colon");
            spec_.physical = spec_.physical || prefix == "phy:";
            deprecated_ = true;
            rest_.remove_prefix(colon + 1);
        }
    }

    Result<void> take(std::string_view parameter) {
        const auto equals = parameter.find('=');
        if (equals != std::string_view::npos) return take_keyed(parameter.substr(0, equals), parameter.substr(equals + 1));
        if (parameter == "cdrom") return take_device_type(parameter);
        if (parameter == "discard" || parameter == "no-discard") {
            spec_.discard = parameter == "discard";
            return {};
        }
        if (parameter == "direct-io-safe" || parameter == "no-colo") return {};  // for Xen's back ends only
        if (parameter == "colo" || parameter == "trusted" || parameter == "untrusted") {
            spec_.foreign.emplace_back(parameter);
            return {};
        }
        return take_positional(parameter);
    }

    Result<void> take_keyed(std::string_view key, std::string_view value) {
        if (key == "format") return take_format(value);
        if (key == "vdev") return take_vdev(value);
        if (key == "access") return take_access(value);
        if (key == "devtype") return take_device_type(value);
        if (key == "backendtype") {
            if (!is_one_of(value, kBackendTypes)) return refuse(fmt::format("backendtype={} is unknown", value));
            spec_.physical = spec_.physical || value == "phy";
            return {};
        }
        if (key == "specification") {
            if (value != "xen" && value != "virtio") return refuse(fmt::format("specification={} is unknown", value));
            spec_.specification = value;
            return {};
        }
        if (is_one_of(key, kForeignKeys) || key == "hidden-disk" || key == "grant_usage") {
            spec_.foreign.push_back(fmt::format("{}={}", key, value));
            return {};
        }
        return refuse(fmt::format("parameter '{}' is unknown", key), "see xl-disk-configuration(5)");
    }

    // Parameters without a key fill target, format, vdev and access in this order, whichever are still open.
    Result<void> take_positional(std::string_view value) {
        if (!has_target_) return take_target(value);
        if (!deprecated_ && !format_) {
            // xend's ",hdc:cdrom,r" for an empty drive
            if (spec_.target.empty() && value.find(':') != std::string_view::npos) {
                format_ = "empty";
                return take_vdev(value);
            }
            return take_format(value);
        }
        if (!vdev_) return take_vdev(value);
        if (!writable_) return take_access(value);
        return refuse(fmt::format("'{}' is one positional parameter too many", value), "only target, format, vdev and access may stand without a key");
    }

    Result<void> take_target(std::string_view value) {
        if (has_target_ && !spec_.target.empty()) return refuse("the target is given twice");
        has_target_ = true;
        spec_.target = value;
        return {};
    }

    Result<void> take_format(std::string_view value) {
        const std::string word(value.empty() ? "raw" : value);
        if (!is_one_of(word, kFormats)) return refuse(fmt::format("format '{}' is unknown", word), "write raw or qcow2");
        if (format_ && *format_ != word) return refuse("the format is given twice");
        format_ = word;
        return {};
    }

    Result<void> take_vdev(std::string_view value) {
        if (vdev_ && !vdev_->empty()) return refuse("the virtual device is given twice");
        const auto colon = value.rfind(':');  // xend's "hdc:cdrom"
        vdev_ = value.substr(0, colon);
        const auto is_part = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
        if (!std::ranges::all_of(*vdev_, is_part)) return refuse(fmt::format("'{}' is no virtual device", *vdev_), "write for example vdev=vda");
        return colon == std::string_view::npos ? Result<void>{} : take_device_type(value.substr(colon + 1));
    }

    Result<void> take_access(std::string_view value) {
        if (value != "r" && value != "ro" && value != "w" && value != "rw" && !value.empty())
            return refuse(fmt::format("access '{}' is unknown", value), "write ro or rw");
        if (writable_) return refuse("the access is given twice");
        // An empty parameter takes the place of the access and leaves the default, which differs for CD-ROMs.
        writable_ = value == "w" || value == "rw";
        access_stated_ = !value.empty();
        return {};
    }

    Result<void> take_device_type(std::string_view value) {
        if (value != "cdrom" && value != "disk") return refuse(fmt::format("device type '{}' is unknown", value), "write cdrom or nothing");
        spec_.cdrom = value == "cdrom";
        return {};
    }

    Result<DiskSpec> finished() {
        if (!vdev_ || vdev_->empty()) return refuse("it names no virtual device", "write for example vdev=vda");
        spec_.vdev = *vdev_;
        spec_.format = format_.value_or("raw");
        if (spec_.cdrom && access_stated_ && *writable_) return refuse("a CD-ROM cannot be written", "write access=ro");
        spec_.writable = !spec_.cdrom && (!access_stated_ || *writable_);
        if (spec_.target.empty() && !spec_.cdrom) return refuse("it names no target", "only a CD-ROM may be without a medium");
        return spec_;
    }

    std::string_view text_;  // the whole string, for messages
    std::string_view rest_;
    DiskSpec spec_;
    bool has_target_ = false;
    bool deprecated_ = false;
    bool access_stated_ = false;
    std::optional<std::string> format_;
    std::optional<std::string> vdev_;
    std::optional<bool> writable_;
};

}  // namespace

Result<DiskSpec> parse_disk_spec(std::string_view text) { return Parser(text).all(); }

}  // namespace stasis::codec::xlcfg
