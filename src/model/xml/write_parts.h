// The writers of the parts of a domain document: each adds its elements to the tree. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "codec/xml/element.h"
#include "model/domain.h"

namespace stasis::model {

/// A new last child. The reference holds until the next child of `parent` is added.
codec::xml::Element& add(codec::xml::Element& parent, std::string_view name, std::string text = {});
/// Sets an attribute, replacing one of that name.
void set(codec::xml::Element& element, std::string_view name, std::string value);
/// The same, but an empty value means that the attribute is left out.
void set_unless_empty(codec::xml::Element& element, std::string_view name, const std::string& value);
void add_unless_empty(codec::xml::Element& parent, std::string_view name, const std::string& text);

void write_general(codec::xml::Element& root, const Domain& domain);
void write_os(codec::xml::Element& root, const Os& os);
void write_cpu(codec::xml::Element& root, const Cpu& cpu);
void write_features(codec::xml::Element& root, const Domain& domain);
void write_clock(codec::xml::Element& root, const Clock& clock);
void write_pm(codec::xml::Element& root, const Domain& domain);
void write_devices(codec::xml::Element& root, const Domain& domain);
void write_qemu_commandline(codec::xml::Element& root, const Domain& domain);

void write_disk(codec::xml::Element& devices, const Disk& disk);
void write_address(codec::xml::Element& device, const std::optional<Address>& address);
void write_alias(codec::xml::Element& device, const std::string& alias);
void write_boot_order(codec::xml::Element& device, std::optional<std::uint32_t> order);

}  // namespace stasis::model
