#include "plan/chains.h"

#include <algorithm>

#include "plan/planners.h"

namespace stasis::plan {
namespace {

constexpr std::string_view kNoDataFile = "qcow2 images with an external data file are not captured";

std::string folder_of(const std::string& path) { return path.substr(0, path.find_last_of('/') + 1); }

/// "/a/./b/../c" to "/a/c", without looking at the file system.
std::string normal(const std::string& path) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string part = path.substr(at, end - at);
        if (part == ".." && !parts.empty()) parts.pop_back();
        if (!part.empty() && part != "." && part != "..") parts.push_back(part);
        at = end + 1;
    }
    std::string result;
    for (const std::string& part : parts) result += "/" + part;
    return result;
}

std::unexpected<Error> refuse(const std::string& path, ErrorKind kind, std::string why, std::string next = {}) {
    return fail(kind, "follow the image chain", path, std::move(why), std::move(next));
}

Result<model::ImageFormat> backing_format(const std::string& path, const model::ImageFacts& facts) {
    const auto format = model::image_format_from(facts.backing_format);
    if (!format) {
        return refuse(path, ErrorKind::unsupported,
                      facts.backing_format.empty() ? "its header does not state the format of its backing image"
                                                   : "its backing image is of format '" + facts.backing_format + "'",
                      "state it with: qemu-img rebase -u -b BACKING -F FORMAT " + path);
    }
    return *format;
}

/// The images below (path, format), topmost first, as their headers tell.
Result<std::vector<model::Image>> read_chain(std::string path, model::ImageFormat format, const ImageFactsByPath& known) {
    std::vector<model::Image> chain;
    for (;;) {
        const auto at = known.find(path);
        model::Image image{.path = path, .format = format};
        if (at != known.end()) image.virtual_bytes = at->second.virtual_bytes;
        chain.push_back(image);
        if (at == known.end() || at->second.backing_path.empty()) return chain;
        if (chain.size() >= model::kChainDepthMax) return refuse(path, ErrorKind::invalid, "its chain loops or is too deep");
        STASIS_TRY(format, backing_format(path, at->second));
        STASIS_TRY(path, backing_path_of(path, at->second.backing_path));
    }
}

Result<void> check_link(const model::Image& image, const model::ImageFacts& facts, const model::Image* below) {
    if (facts.has_external_data_file) return refuse(image.path, ErrorKind::unsupported, std::string(kNoDataFile));
    if (facts.backing_path.empty()) {
        if (!below) return {};
        return refuse(image.path, ErrorKind::corrupt, "it should stand on " + below->path + " but names no backing image");
    }
    STASIS_TRY(const std::string named, backing_path_of(image.path, facts.backing_path));
    if (!below || named != normal(below->path)) {
        return refuse(image.path, ErrorKind::corrupt,
                      "its header names the backing image " + named + ", the catalog " + (below ? below->path : "none"),
                      "somebody changed the image; put the header right with qemu-img rebase -u");
    }
    return {};
}

}  // namespace

Result<std::string> backing_path_of(const std::string& image_path, const std::string& written) {
    const std::size_t colon = written.find(':');
    if (colon != std::string::npos && colon < written.find('/')) {
        return refuse(image_path, ErrorKind::unsupported, "its backing image is '" + written + "', which is no plain path");
    }
    return normal(written.starts_with('/') ? written : folder_of(image_path) + written);
}

Result<std::vector<model::Image>> register_chain(const model::Disk& disk, model::ImageId next_id,
                                                 const ImageFactsByPath& facts) {
    STASIS_TRY(std::vector<model::Image> chain, read_chain(disk.source, disk.format, facts));
    std::ranges::reverse(chain);
    model::ImageId below{};
    for (model::Image& image : chain) {
        image.id = next_id;
        image.target = disk.target;
        image.backing = below;
        below = image.id;
        ++next_id.value;
    }
    return chain;
}

Result<void> check_chain(const DomainFacts& facts, model::ImageId top) {
    STASIS_TRY(const std::vector<model::Image> chain, facts.images.chain(top));
    for (std::size_t i = 0; i < chain.size(); ++i) {
        if (const auto bad = facts.unreadable.find(chain[i].path); bad != facts.unreadable.end()) {
            return std::unexpected(bad->second);
        }
        const auto known = facts.image_facts.find(chain[i].path);
        if (known == facts.image_facts.end()) return refuse(chain[i].path, ErrorKind::not_found, "it was not read");
        STASIS_CHECK(check_link(chain[i], known->second, i + 1 < chain.size() ? &chain[i + 1] : nullptr));
    }
    return {};
}

Result<std::vector<model::AttachedDisk>> attached_disks(const model::Domain& definition, const model::ImageGraph& images,
                                                        const model::ActiveLayers& active) {
    std::vector<model::AttachedDisk> result;
    for (const model::Disk& disk : definition.disks) {
        model::AttachedDisk attached{.target = disk.target, .chain = {}};
        if (const auto layer = active.find(disk.target); layer != active.end() && !disk.source.empty()) {
            STASIS_TRY(const std::vector<model::Image> chain, images.chain(layer->second));
            for (const model::Image& image : chain) attached.chain.push_back({image.id, image.path, image.format});
        }
        result.push_back(std::move(attached));
    }
    return result;
}

}  // namespace stasis::plan
