// What several planners ask of image chains: which images a disk has according to their headers, and whether the
// catalog and the headers agree. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/facts.h"

namespace stasis::plan {

/// Resolves a backing name as a header of `image_path` writes it: absolute, or relative to that image's folder.
/// unsupported for pseudo-protocols ("json:", "nbd:", anything with a colon before the first slash).
Result<std::string> backing_path_of(const std::string& image_path, const std::string& written);

/// Registers the chain of one disk: the active image and everything its headers name below it, with ids from
/// `next_id` on, backing images first. An active image that cannot be read is registered alone.
Result<std::vector<model::Image>> register_chain(const model::Disk& disk, model::ImageId next_id,
                                                 const ImageFactsByPath& facts);

/// The chain of `top` was read completely, each header names the image that the catalog names, none keeps its data in
/// another file. Errors: as found in `facts.unreadable`; corrupt when header and catalog disagree.
Result<void> check_chain(const DomainFacts& facts, model::ImageId top);

/// What a file system costs when an overlay is made: header, L1, first tables.
inline constexpr std::uint64_t kOverlayBytes = 512ull * 1024;

}  // namespace stasis::plan
