#include <algorithm>
#include <cmath>

#include "storage/paths.h"
#include "storage/qcow2/header_file.h"
#include "storage/qcow2/qcow2_volume.h"

namespace stasis::storage {
namespace {

constexpr std::uint64_t kMergeAddressSpaceBase = 2ull << 30;
constexpr std::uint64_t kMergeAddressSpacePerImage = 64ull << 20;  ///< caches of one image

std::unexpected<Error> chain_differs(const ImgTask& task, std::string why) {
    return fail(ErrorKind::corrupt, task.attempted, task.subject, std::move(why),
                "another tool has changed the images; compare 'qemu-img info' with the domain's snapshots");
}

}  // namespace

Result<void> Qcow2Volume::check_chain(const ImgTask& task, const std::vector<model::Image>& chain) {
    if (chain.size() < 2)
        return fail(ErrorKind::invalid, task.attempted, task.subject, "a merge needs two images at least");
    for (const auto& image : chain) STASIS_CHECK(check_path(task.attempted, image.path));
    if (chain.front().format != model::ImageFormat::qcow2)
        return fail(ErrorKind::invalid, task.attempted, task.subject, "the top image is not qcow2");
    STASIS_TRY(const auto layers, follow_headers(files_, chain.front().path));
    if (layers.size() < chain.size()) return chain_differs(task, "its header chain is shorter than the recorded one");
    for (std::size_t i = 0; i < chain.size(); ++i) {
        if (layers[i].path != chain[i].path)
            return chain_differs(task, "the headers name '" + layers[i].path + "' where '" + chain[i].path + "' is recorded");
        if (layers[i].format != chain[i].format)
            return chain_differs(task, "the headers state another format of '" + chain[i].path + "' than is recorded");
    }
    return {};
}

Result<std::uint64_t> Qcow2Volume::bytes_to_merge(const std::vector<model::Image>& chain) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
        STASIS_TRY(const auto stat, files_.stat(chain[i].path));
        total += stat.allocated_bytes;
    }
    return total;
}

Result<void> Qcow2Volume::merge_down(const std::vector<model::Image>& chain, ProgressSink* progress,
                                     const CancelToken* cancel) {
    const ImgTask task{"merge the image down", chain.empty() ? "an empty chain" : chain.front().path};
    STASIS_CHECK(check_chain(task, chain));
    if (cancel != nullptr && cancel->cancelled())
        return fail(ErrorKind::interrupted, task.attempted, task.subject, "it was cancelled");
    const auto& top = chain.front();
    const auto& base = chain.back();
    STASIS_TRY(const std::uint64_t total, bytes_to_merge(chain));
    const std::string activity = "merging " + top.target.str();
    const auto report = [&](double percent) {
        if (progress == nullptr) return;
        const auto done = static_cast<std::uint64_t>(std::llround(static_cast<double>(total) * percent / 100));
        progress->progress({.activity = activity, .done_bytes = std::min(done, total), .total_bytes = total});
    };
    // -d leaves the top as it is: until the catalog says otherwise it is the truth, and the merge can be done again.
    STASIS_CHECK(img_.run_long(task,
                               {"commit", "-p", "-d", "--image-opts", "-b", base.path, image_options(top.path, top.format)},
                               {.on_percent = report,
                                .cancel = cancel,
                                .address_space_max = kMergeAddressSpaceBase + chain.size() * kMergeAddressSpacePerImage}));
    STASIS_CHECK(sync_file(base.path));
    STASIS_TRY(const auto below, inspect(base.path, base.format));
    STASIS_TRY(const auto above, inspect(top.path, top.format));
    if (below.virtual_bytes < above.virtual_bytes)
        return fail(ErrorKind::failed, task.attempted, task.subject, "the base is smaller than the top after the merge");
    return {};
}

}  // namespace stasis::storage
