#include "model/image_graph.h"

#include <algorithm>
#include <set>

namespace stasis::model {
namespace {

auto by_id(const Image& image, ImageId id) { return image.id < id; }

std::string label(const Image& image) {
    return "image " + std::to_string(image.id.value) + " of " + image.target.str() + " (" + image.path + ")";
}

std::unexpected<Error> broken(const Image& image, std::string why) {
    return fail(ErrorKind::corrupt, "read the image graph", label(image), std::move(why),
                "the catalog disagrees with itself; restore it from a copy");
}

}  // namespace

ImageGraph::ImageGraph(std::vector<Image> images, ImageId next) : images_(std::move(images)), next_(next) {
    std::ranges::sort(images_, {}, &Image::id);
    if (!images_.empty()) next_.value = std::max(next_.value, images_.back().id.value + 1);
}

const Image* ImageGraph::find(ImageId id) const {
    const auto at = std::lower_bound(images_.begin(), images_.end(), id, by_id);
    return at != images_.end() && at->id == id ? &*at : nullptr;
}

void ImageGraph::put(Image image) {
    next_.value = std::max(next_.value, image.id.value + 1);
    const auto at = std::lower_bound(images_.begin(), images_.end(), image.id, by_id);
    if (at != images_.end() && at->id == image.id) {
        *at = std::move(image);
    } else {
        images_.insert(at, std::move(image));
    }
}

void ImageGraph::remove(ImageId id) {
    std::erase_if(images_, [&](const Image& image) { return image.id == id; });
}

Result<std::vector<Image>> ImageGraph::chain(ImageId top) const {
    std::vector<Image> result;
    for (ImageId id = top; id.value != 0;) {
        const Image* image = find(id);
        if (!image) {
            return fail(ErrorKind::corrupt, "follow the image chain", "image " + std::to_string(top.value),
                        "image " + std::to_string(id.value) + " is not in the catalog");
        }
        if (result.size() >= kChainDepthMax) return broken(*image, "its chain loops or is deeper than the limit");
        result.push_back(*image);
        id = image->backing;
    }
    return result;
}

std::vector<ImageId> ImageGraph::children(ImageId id) const {
    std::vector<ImageId> result;
    for (const Image& image : images_) {
        if (image.backing == id) result.push_back(image.id);
    }
    return result;
}

std::vector<Image> ImageGraph::garbage(const std::vector<ImageId>& roots) const {
    std::set<ImageId> needed;
    for (ImageId root : roots) {
        for (ImageId id = root; id.value != 0 && needed.insert(id).second;) {
            const Image* image = find(id);
            id = image ? image->backing : ImageId{};
        }
    }
    std::vector<Image> result;
    for (const Image& image : images_) {
        if (image.made_by_stasis && !needed.contains(image.id)) result.push_back(image);
    }
    // An overlay is always younger than what it stands on, so falling ids put children first.
    std::ranges::sort(result, std::greater{}, &Image::id);
    return result;
}

Result<void> ImageGraph::check() const {
    for (const Image& image : images_) {
        if (image.backing.value == 0) continue;
        const Image* backing = find(image.backing);
        if (!backing) return broken(image, "its backing image is missing from the catalog");
        if (backing->target != image.target) return broken(image, "it stands on an image of another disk");
        if (backing->id >= image.id) return broken(image, "it is older than the image it stands on");
    }
    return {};
}

}  // namespace stasis::model
