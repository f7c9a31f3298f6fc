#include "hypervisor/qemu/block_nodes.h"

#include <charconv>

namespace stasis::hypervisor::qemu {
namespace {

Json cache_of(const DiskOptions& options) {
    return {{"direct", options.cache == "none" || options.cache == "directsync"},
            {"no-flush", options.cache == "unsafe"}};
}

}  // namespace

DiskOptions disk_options(const model::Disk& disk) {
    return {disk.target, disk.cache, disk.discard, disk.io, disk.detect_zeroes};
}

std::pair<Json, Json> image_nodes(const ImageNodes& request) {
    const DiskOptions& options = request.options;
    const std::string file_name = file_node_name(request.target, request.image.id);
    // auto-read-only lets QEMU open a lower layer for writing only when a merge needs it, and drop that again.
    Json file = {{"driver", request.block_device ? "host_device" : "file"},
                 {"node-name", file_name},
                 {"filename", request.image.path},
                 {"auto-read-only", !request.never_written},
                 {"read-only", request.never_written},
                 {"discard", "unmap"},
                 {"cache", cache_of(options)}};
    if (!options.io.empty()) file["aio"] = options.io;
    Json format = {{"driver", std::string(model::to_string(request.image.format))},
                   {"node-name", model::node_name(request.target, request.image.id)},
                   {"file", file_name},
                   {"read-only", request.read_only},
                   {"cache", cache_of(options)}};
    if (options.discard == "unmap") format["discard"] = "unmap";
    if (!options.detect_zeroes.empty() && !request.read_only) format["detect-zeroes"] = options.detect_zeroes;
    if (request.backing) {
        format["backing"] = *request.backing;
    } else if (request.image.format != model::ImageFormat::raw) {
        format["backing"] = nullptr;  // whatever the header names: only what the graph says is opened
    }
    return {std::move(file), std::move(format)};
}

std::string device_id(const DiskTarget& target) { return "disk-" + target.str(); }

std::optional<DiskTarget> target_of_device(std::string_view qdev) {
    constexpr std::string_view kMark = "disk-";
    std::size_t start = 0;
    if (!qdev.starts_with(kMark)) {
        start = qdev.find("/disk-");
        if (start == std::string_view::npos) return std::nullopt;
        ++start;
    }
    std::string_view name = qdev.substr(start + kMark.size());
    auto target = DiskTarget::parse(name.substr(0, name.find('/')));
    return target ? std::optional(*std::move(target)) : std::nullopt;
}

std::optional<NodeIdentity> identity_of_node(std::string_view node_name) {
    const std::size_t dash = node_name.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    auto target = DiskTarget::parse(node_name.substr(0, dash));
    const std::string_view digits = node_name.substr(dash + 1);
    NodeIdentity identity;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), identity.id.value);
    if (!target || code != std::errc() || end != digits.data() + digits.size() || identity.id.value == 0)
        return std::nullopt;
    identity.target = *std::move(target);
    return identity;
}

std::string file_node_name(const DiskTarget& target, model::ImageId id) { return model::node_name(target, id) + "-f"; }

}  // namespace stasis::hypervisor::qemu
