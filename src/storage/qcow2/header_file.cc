#include "storage/qcow2/header_file.h"

#include <algorithm>
#include <optional>

#include "storage/paths.h"

namespace stasis::storage {
namespace {

constexpr std::string_view kFollow = "follow the backing images";

/// The layer that the header of `path` names; none when it stands alone.
Result<std::optional<HeaderLayer>> layer_below(seam::FileSystem& files, const std::string& path) {
    STASIS_TRY(const auto header, read_header_file(files, path));
    if (header.has_external_data_file)
        return fail(ErrorKind::unsupported, std::string(kFollow), path, "the image keeps its data in another file",
                    "convert it with 'qemu-img convert'");
    if (header.backing_path.empty()) return std::nullopt;
    STASIS_TRY(const auto below, resolve_backing(path, header.backing_path));
    const auto format = model::image_format_from(header.backing_format);
    if (!format)
        return fail(ErrorKind::unsupported, std::string(kFollow), path,
                    header.backing_format.empty() ? "its header does not state the format of its backing image"
                                                  : "its backing image is stated as '" + header.backing_format + "'",
                    "state it: qemu-img rebase -u -b '" + header.backing_path + "' -F raw|qcow2");
    return HeaderLayer{below, *format};
}

}  // namespace

Result<codec::qcow2::Image> read_header_file(seam::FileSystem& files, const std::string& path) {
    STASIS_TRY(const auto stat, files.stat(path));
    STASIS_TRY(const auto file, files.open_read(path));
    const codec::qcow2::Source source{
        .read_at = [&file](std::uint64_t offset, std::span<std::byte> buffer) { return file->read_at(offset, buffer); },
        .size_bytes = stat.size_bytes,
        .subject = path};
    return codec::qcow2::read_image(source);
}

Result<std::vector<HeaderLayer>> follow_headers(seam::FileSystem& files, const std::string& top) {
    std::vector<HeaderLayer> layers{{top, model::ImageFormat::qcow2}};
    while (layers.back().format == model::ImageFormat::qcow2) {
        if (layers.size() > model::kChainDepthMax)
            return fail(ErrorKind::corrupt, std::string(kFollow), top,
                        "there are more than " + std::to_string(model::kChainDepthMax) + " of them",
                        "merge some of them with 'qemu-img commit'");
        STASIS_TRY(const auto below, layer_below(files, layers.back().path));
        if (!below) break;
        if (std::ranges::find(layers, below->path, &HeaderLayer::path) != layers.end())
            return fail(ErrorKind::corrupt, std::string(kFollow), top, "they loop: '" + below->path + "' comes twice");
        layers.push_back(*below);
    }
    return layers;
}

}  // namespace stasis::storage
