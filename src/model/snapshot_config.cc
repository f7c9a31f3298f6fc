#include "model/snapshot_config.h"

#include <algorithm>

#include <fmt/format.h>

#include "codec/xlcfg/config.h"

namespace stasis::model {

namespace {

using codec::xlcfg::Atom;
using codec::xlcfg::Setting;

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The parts of one disk string, positional or keyed; each at most once.
struct DiskParts {
    std::optional<std::string> path, format, target, mode;
};

class Merger {
public:
    Merger(const std::string& source, SnapshotCreateOptions options) : source_(source), options_(std::move(options)) {}

    Result<SnapshotCreateOptions> merge(const std::vector<Setting>& settings) {
        for (const auto& setting : settings) STASIS_CHECK(one(setting));
        STASIS_CHECK(settle_memory());
        return std::move(options_);
    }

private:
    Result<void> one(const Setting& setting) {
        if (setting.key == "disks") return disks(setting);
        if (setting.is_list) return refuse(setting, "is a list, where one value belongs");
        if (setting.key == "name") return name(setting);
        if (setting.key == "description") {
            options_.description = setting.value.text;
            return {};
        }
        if (setting.key == "memory") return memory(setting);
        if (setting.key == "memory_path") {
            memory_path_ = &setting;
            STASIS_TRY(options_.memory_path, path(setting.value));
            return {};
        }
        return refuse(setting, "is no setting of a snapshot", "write name, description, memory, memory_path or disks");
    }

    std::unexpected<Error> refuse(const Setting& setting, std::string_view why, std::string next = {}) const {
        return codec::xlcfg::refuse(source_, setting.place, fmt::format("'{}' {}", setting.key, why), std::move(next));
    }
    std::unexpected<Error> refuse(const Atom& disk, std::string why, std::string next = {}) const {
        return codec::xlcfg::refuse(source_, disk.place, fmt::format("disk '{}': {}", disk.text, why), std::move(next));
    }

    // Relative paths stand beside the file that names them.
    Result<std::string> path(const Atom& atom) const { return path(atom, atom.text); }
    Result<std::string> path(const Atom& atom, const std::string& text) const {
        if (text.empty() || text[0] == '/') return text;
        if (!source_.starts_with('/'))
            return codec::xlcfg::refuse(source_, atom.place, fmt::format("path '{}' is relative", text), "write an absolute path");
        return source_.substr(0, source_.rfind('/') + 1) + (text.starts_with("./") ? text.substr(2) : text);
    }

    Result<void> name(const Setting& setting) {
        auto parsed = SnapshotName::parse(setting.value.text);
        if (!parsed) return refuse(setting, fmt::format("is no snapshot name: {}", parsed.error().why), parsed.error().next);
        options_.name = *std::move(parsed);
        return {};
    }

    Result<void> memory(const Setting& setting) {
        STASIS_TRY(const auto value, codec::xlcfg::number_of(setting.value, source_));
        if (value != 0 && value != 1) return refuse(setting, "is neither 0 nor 1");
        memory_ = value == 1;
        return {};
    }

    // What the file says of memory wins over --disk-only and --memory-path alike.
    Result<void> settle_memory() {
        if (memory_path_ != nullptr && memory_ == false) return refuse(*memory_path_, "is set though memory=0", "leave one of the two out");
        if (memory_path_ != nullptr && !memory_ && !options_.memory_path.empty()) memory_ = true;
        if (!memory_) return {};
        options_.disk_only = !*memory_;
        if (!*memory_) options_.memory_path.clear();
        return {};
    }

    Result<void> disks(const Setting& setting) {
        if (!setting.is_list) return refuse(setting, "is no list", "write disks=[ 'path,format,target' ]");
        std::vector<DiskRequest> requests;
        for (const auto& item : setting.items) {
            STASIS_TRY(auto request, disk(item));
            if (std::ranges::find(requests, request.target, &DiskRequest::target) != requests.end())
                return refuse(item, "this target is named a second time", "leave one");
            requests.push_back(std::move(request));
        }
        for (auto& request : requests) {
            const auto given = std::ranges::find(options_.disks, request.target, &DiskRequest::target);
            if (given == options_.disks.end())
                options_.disks.push_back(std::move(request));
            else
                *given = std::move(request);
        }
        return {};
    }

    Result<DiskRequest> disk(const Atom& item) const {
        STASIS_TRY(const auto parts, parts_of(item));
        DiskRequest request;
        auto target = DiskTarget::parse(parts.target.value_or(""));
        if (!target) return refuse(item, "it names no target such as vda", "write 'path,format,target' or target=vda");
        request.target = *std::move(target);
        STASIS_TRY(request.path, path(item, parts.path.value_or("")));
        request.format = parts.format.value_or("");
        if (!request.format.empty() && request.format != "qcow2") return refuse(item, fmt::format("an overlay cannot be of format '{}'", request.format), "write qcow2 or nothing");
        if (parts.mode && !parts.mode->empty()) {
            request.mode = disk_mode_from(*parts.mode);
            if (!request.mode) return refuse(item, fmt::format("mode '{}' is unknown", *parts.mode), "write internal, external or no");
        }
        const bool has_overlay = !request.path.empty() || !request.format.empty();
        if (has_overlay && request.mode && *request.mode != DiskMode::external)
            return refuse(item, "a path or format is for an external snapshot only", "leave it out, or write mode=external");
        if (has_overlay) request.mode = DiskMode::external;
        return request;
    }

    // "path,format,target", "path=/x,target=vda", or both: parts without a key fill path, format, target in this order.
    Result<DiskParts> parts_of(const Atom& item) const {
        DiskParts parts;
        std::optional<std::string>* const positions[] = {&parts.path, &parts.format, &parts.target};
        std::string_view rest = item.text;
        std::size_t next = 0;
        while (true) {
            const auto comma = rest.find(',');
            const auto part = trimmed(rest.substr(0, comma));
            auto* place = place_of(parts, part.substr(0, part.find('=')));
            const bool keyed = part.find('=') != std::string_view::npos;
            if (keyed && place == nullptr) return refuse(item, fmt::format("'{}' is unknown", part.substr(0, part.find('='))), "write path=, format=, target= or mode=");
            if (!keyed) {
                while (next < std::size(positions) && positions[next]->has_value()) ++next;
                if (next == std::size(positions)) return refuse(item, fmt::format("'{}' is one part too many", part));
                place = positions[next++];
            }
            if (place->has_value()) return refuse(item, "something is given twice");
            *place = std::string(keyed ? part.substr(part.find('=') + 1) : part);
            if (comma == std::string_view::npos) return parts;
            rest.remove_prefix(comma + 1);
        }
    }

    static std::optional<std::string>* place_of(DiskParts& parts, std::string_view key) {
        if (key == "path") return &parts.path;
        if (key == "format") return &parts.format;
        if (key == "target") return &parts.target;
        if (key == "mode") return &parts.mode;
        return nullptr;
    }

    const std::string& source_;
    SnapshotCreateOptions options_;
    std::optional<bool> memory_;
    const Setting* memory_path_ = nullptr;  // where it is set, for messages
};

}  // namespace

Result<SnapshotCreateOptions> merge_snapshot_config(std::string_view text, const std::string& source, SnapshotCreateOptions options) {
    auto settings = codec::xlcfg::parse(text, source);
    auto merged = settings ? Merger(source, std::move(options)).merge(*settings)
                           : Result<SnapshotCreateOptions>(std::unexpected(std::move(settings).error()));
    if (!merged) return fail_because(std::move(merged).error(), "read snapshot configuration", source);
    return merged;
}

}  // namespace stasis::model
