// Which disk images a domain has and which builds on which. A plain value with pure questions; any thread.
// Invariants: ids are unique; a backing id names an image of the same target; no loops; an image that something
// builds on is never written (it is "frozen"); only images that Stasis made are ever removed; the id of one that was
// removed is not given out again, because a guest may still have a node of that name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/domain.h"

namespace stasis::model {

/// Identity of an image within its domain; never reused. 0: none.
struct ImageId {
    std::uint32_t value = 0;
    auto operator<=>(const ImageId&) const = default;
};

inline constexpr std::uint32_t kChainDepthMax = 200;  ///< images of one chain

/// What tells whether somebody else touched a frozen image since: size and time of last change.
struct Fingerprint {
    std::uint64_t size_bytes = 0;
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0;
    bool operator==(const Fingerprint&) const = default;
};

struct Image {
    ImageId id;
    DiskTarget target;
    std::string path;
    ImageFormat format = ImageFormat::qcow2;
    std::uint64_t virtual_bytes = 0;
    ImageId backing;               ///< 0: none
    bool made_by_stasis = false;   ///< only these may be removed
    std::optional<Fingerprint> frozen;  ///< taken when it was last known to be unchanged; none: never frozen
    bool operator==(const Image&) const = default;
};

class ImageGraph {
public:
    ImageGraph() = default;
    /// `next`: no image of the past had this id or a higher one. Raised above the highest of `images`.
    explicit ImageGraph(std::vector<Image> images, ImageId next = {1});

    [[nodiscard]] const Image* find(ImageId id) const;
    [[nodiscard]] const std::vector<Image>& images() const { return images_; }
    [[nodiscard]] ImageId next_id() const { return next_; }  ///< above every id that the domain has or had
    void put(Image image);                          ///< insert or replace by id
    void remove(ImageId id);
    /// The image and all below it, top first; corrupt when a backing image is missing, loops or exceeds kChainDepthMax.
    [[nodiscard]] Result<std::vector<Image>> chain(ImageId top) const;
    [[nodiscard]] std::vector<ImageId> children(ImageId id) const;
    /// Images reachable from none of `roots` that Stasis made, children before their backing images.
    [[nodiscard]] std::vector<Image> garbage(const std::vector<ImageId>& roots) const;
    /// The rules above; ErrorKind::corrupt names the first that fails.
    [[nodiscard]] Result<void> check() const;
    bool operator==(const ImageGraph&) const = default;

private:
    std::vector<Image> images_;  // sorted by id
    ImageId next_{1};
};

/// The layer that the guest writes to, for each disk.
using ActiveLayers = std::map<DiskTarget, ImageId>;

}  // namespace stasis::model
