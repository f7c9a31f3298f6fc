// Between model::Domain and the tree of its XML, without the invariants of validate(), which uses both directions to
// make sure that a domain survives being written. Pure; any thread.
#pragma once

#include <string>

#include "codec/xml/element.h"
#include "model/xml/domain_xml.h"

namespace stasis::model {

/// invalid: names the element, its place and line.
Result<ParsedDomain> domain_from_tree(const codec::xml::Element& tree, const std::string& source, const DomainXmlOptions& options);

/// Canonical form. Kept elements whose parent is not there are missing from it.
[[nodiscard]] codec::xml::Element domain_to_tree(const Domain& domain);

/// invalid: a text, attribute or kept element of the domain cannot be written as XML or would be read differently.
Result<void> check_survives_writing(const Domain& domain);

}  // namespace stasis::model
