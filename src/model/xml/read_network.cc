#include <algorithm>

#include <fmt/format.h>

#include "model/xml/read_parts.h"

namespace stasis::model {

namespace {

// A name that libvirt gave a tap device for one run: it clears these itself.
bool is_run_device(std::string_view name) {
    return name.starts_with("vnet") && name.size() > 4 &&
           std::ranges::all_of(name.substr(4), [](char c) { return c >= '0' && c <= '9'; });
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

// <driver> is kept when it only names who moves the packets; its other settings change the device.
void read_driver(Cursor& interface) {
    for (const auto& child : interface.element().children) {
        if (child.name != "driver" || !child.ns.empty()) continue;
        const bool plain = child.children.empty() && std::ranges::all_of(child.attributes, [](const auto& a) { return a.name == "name"; });
        if (plain) continue;
        interface.outside(child.line, "<driver> with settings of the device", interface.path());
        interface.children("driver");
        return;
    }
}

void read_ends(Cursor& interface, Interface& into) {
    if (into.type == InterfaceType::bridge) {
        auto source = interface.child("source");
        into.source = source ? source->attribute_or("bridge") : "";
        if (into.source.empty()) interface.invalid("<interface type='bridge'> has no <source bridge=>");
        if (source) source->finish();
    }
    if (auto target = interface.child("target")) {
        into.target = target->attribute_or("dev");
        if (is_run_device(into.target)) into.target.clear();
        target->finish();
    }
    if (into.type == InterfaceType::tap) {
        into.script = "no";  // libvirt runs none unless one is named
        if (auto script = interface.child("script")) {
            into.script = script->attribute_or("path");
            if (into.script != "no") into.script = interface.context().resolve(script->element().line, into.script);
            script->finish();
        }
    }
}

}  // namespace

bool read_interface(Cursor& interface, Domain& domain) {
    Interface into;
    const auto word = interface.attribute_or("type");
    const auto type = kInterfaceTypes.from(word);
    if (!type) return interface.skip(fmt::format("type='{}'", word));
    into.type = *type;
    if (auto mac = interface.child("mac")) {
        into.mac = lower(mac->attribute_or("address"));
        mac->finish();
    }
    read_ends(interface, into);
    into.model = "rtl8139";  // libvirt's default for x86
    if (auto model = interface.child("model")) {
        into.model = model->attribute_or("type");
        model->finish();
    }
    if (auto link = interface.child("link")) link->finish();
    read_driver(interface);
    into.boot_order = read_boot_order(interface);
    into.address = read_address(interface);
    into.alias = read_alias(interface);
    interface.finish();
    domain.interfaces.push_back(std::move(into));
    return true;
}

}  // namespace stasis::model
