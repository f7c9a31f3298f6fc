// What an image file says of itself, read by our own bounded reader, never by probing. A plain value; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/image_graph.h"

namespace stasis::model {

/// What an image says of itself, read by our own bounded reader, never by probing.
struct ImageFacts {
    ImageFormat format = ImageFormat::qcow2;
    std::uint64_t virtual_bytes = 0;
    std::uint64_t allocated_bytes = 0;      ///< blocks on the host
    std::string backing_path;               ///< as written in the header; empty: none
    std::string backing_format;
    bool has_external_data_file = false;
    std::vector<std::string> internal_snapshots;  ///< names
    bool writable = true;                   ///< file permissions allow writing
    Fingerprint fingerprint;
};

}  // namespace stasis::model
