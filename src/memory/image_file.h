// A memory image in a file, opened and checked as far as that goes without its pages. One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "codec/memimage/reader.h"
#include "codec/migration/stream.h"
#include "seam/file_system.h"

namespace stasis::memory {

struct ImageFile {
    std::unique_ptr<codec::memimage::ImageReader> reader;
    codec::migration::StreamHead head;
    std::vector<codec::memimage::PageNumber> owners;  ///< page of every slot, see ImageReader::check_index()
};

/// Verifies directories, the whole page index, and that head and device state are those of a stream.
Result<ImageFile> open_image(seam::FileSystem& files, const std::string& path);

}  // namespace stasis::memory
