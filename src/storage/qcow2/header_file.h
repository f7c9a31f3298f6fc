// Reading the header of an image file, and following backing names from header to header within the limits of the
// model, before any tool opens the chain. One thread.
#pragma once

#include <string>
#include <vector>

#include "codec/qcow2/image.h"
#include "model/image_graph.h"
#include "seam/file_system.h"

namespace stasis::storage {

/// The header of a file stated to be qcow2. invalid when it is not; corrupt; unsupported; not_found.
Result<codec::qcow2::Image> read_header_file(seam::FileSystem& files, const std::string& path);

/// Every image below `top` in the headers, top first, each with its stated format. unsupported: a backing format
/// is not stated (a tool would guess it), a name is no path, or an external data file; corrupt: a loop, or more
/// than kChainDepthMax images.
struct HeaderLayer {
    std::string path;
    model::ImageFormat format = model::ImageFormat::qcow2;
    bool operator==(const HeaderLayer&) const = default;
};
Result<std::vector<HeaderLayer>> follow_headers(seam::FileSystem& files, const std::string& top);

}  // namespace stasis::storage
