// What becomes of the elements and attributes that no field of model::Domain stands for: kept as they are because
// they do not change what the guest sees, set aside because they describe one run only, or outside the subset.
// docs/formats/domain-xml.md lists the same. Constants; any thread.
#pragma once

#include <string>
#include <string_view>

namespace stasis::model {

enum class Fate {
    kept,        ///< becomes a KeptElement
    of_one_run,  ///< an id, a number of a pty, a chain of images: true of the guest that was dumped, not of the domain
    outside,     ///< an error, or listed when reading leniently
};

/// `parent`: an XPath, numbers in brackets do not matter; `item`: "name" of an element or "@name" of an attribute;
/// `value`: of the attribute, empty for an element.
[[nodiscard]] Fate fate_of(std::string_view parent, std::string_view item, std::string_view value);

}  // namespace stasis::model
