// The libvirt domain XML that this project understands, to and from model::Domain. What an element means is
// libvirt's rule (https://libvirt.org/formatdomain.html); which elements are understood is listed in
// docs/formats/domain-xml.md. Hostile input: size, depth and DTD limits of codec/xml apply. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/domain.h"

namespace stasis::model {

struct DomainXmlOptions {
    bool lenient = false;       ///< leave out what is not understood, and list it
    std::string base_folder;    ///< for relative paths; empty: relative paths are invalid
};

struct ParsedDomain {
    Domain domain;                       ///< uuid nil when the document has none; MACs empty when absent
    std::vector<std::string> left_out;   ///< "line 12: <foo> in /domain/devices"
};

/// invalid: names the element, its place and line.
Result<ParsedDomain> domain_from_xml(std::string_view text, const std::string& source, const DomainXmlOptions& options);
/// Canonical form; domain_from_xml(domain_to_xml(d)) == d.
[[nodiscard]] std::string domain_to_xml(const Domain& domain);

}  // namespace stasis::model
