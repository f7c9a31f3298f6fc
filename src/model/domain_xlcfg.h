// A domain from an xl.cfg file (name, uuid, memory, vcpus, kernel, ramdisk, extra, disk=[...] in xl's disk syntax,
// vif, type) into the same model::Domain that the XML gives. xl.cfg(5) and xl-disk-configuration(5) are the rule.
// Hostile input: limits of codec/xlcfg apply. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/domain.h"
#include "model/xml/domain_xml.h"

namespace stasis::model {

/// invalid: names the setting, line and column. Lenient: unknown settings are listed and left out.
Result<ParsedDomain> domain_from_xlcfg(std::string_view text, const std::string& source, const DomainXmlOptions& options);

}  // namespace stasis::model
