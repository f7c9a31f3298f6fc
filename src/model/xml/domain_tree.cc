#include "model/xml/domain_tree.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "model/xml/write_parts.h"

namespace stasis::model {

using codec::xml::Element;

namespace {

// One step of a kept element's place: "disk[2]" is the second disk, "os" the only os.
Element* step_into(Element& parent, std::string_view step) {
    const auto bracket = step.find('[');
    std::size_t number = 1;
    if (bracket != std::string_view::npos) std::from_chars(step.data() + bracket + 1, step.data() + step.size(), number);
    for (auto& child : parent.children) {
        if (child.name != step.substr(0, bracket) || !child.ns.empty()) continue;
        if (--number == 0) return &child;
    }
    return nullptr;
}

Element* find_place(Element& root, std::string_view path) {
    constexpr std::string_view kRoot = "/domain";
    if (!path.starts_with(kRoot)) return nullptr;
    path.remove_prefix(kRoot.size());
    Element* place = &root;
    while (place != nullptr && !path.empty()) {
        if (path[0] != '/') return nullptr;
        path.remove_prefix(1);
        place = step_into(*place, path.substr(0, path.find('/')));
        path.remove_prefix(std::min(path.find('/'), path.size()));
    }
    return place;
}

bool put_back(Element& root, const KeptElement& kept) {
    Element* place = find_place(root, kept.parent);
    if (place == nullptr) return false;
    if (kept.xml.starts_with('@')) {
        const auto equals = kept.xml.find('=');
        if (equals == std::string::npos) return false;
        set(*place, kept.xml.substr(1, equals - 1), kept.xml.substr(equals + 1));
        return true;
    }
    auto element = codec::xml::parse(kept.xml, kept.parent);
    if (!element) return false;
    place->children.push_back(*std::move(element));
    return true;
}

Element tree_without_kept(const Domain& domain) {
    Element root{.name = "domain"};
    set(root, "type", "kvm");
    write_general(root, domain);
    write_os(root, domain.os);
    write_features(root, domain);
    write_cpu(root, domain.cpu);
    write_clock(root, domain.clock);
    add_unless_empty(root, "on_poweroff", domain.on_poweroff);
    add_unless_empty(root, "on_reboot", domain.on_reboot);
    add_unless_empty(root, "on_crash", domain.on_crash);
    write_pm(root, domain);
    write_devices(root, domain);
    write_qemu_commandline(root, domain);
    return root;
}

// What XML cannot carry: the place of the first name or text that it would have to change; empty: none.
std::string unwritable(const Element& element, const std::string& path) {
    const std::string here = path + "/" + element.qualified_name();
    if (!codec::xml::is_xml_text(element.text) || !codec::xml::is_xml_text(element.tail)) return here;
    for (std::size_t i = 0; i < element.attributes.size(); ++i) {
        const auto& attribute = element.attributes[i];
        const auto same = [&](const auto& other) { return other.name == attribute.name && other.ns == attribute.ns; };
        const bool twice = std::any_of(element.attributes.begin(), element.attributes.begin() + static_cast<std::ptrdiff_t>(i), same);
        const bool named = !attribute.ns.empty() || codec::xml::is_xml_name(attribute.name);
        if (twice || !named || !codec::xml::is_xml_text(attribute.value)) return here + "/@" + attribute.name;
    }
    for (const auto& child : element.children)
        if (auto place = unwritable(child, here); !place.empty()) return place;
    return {};
}

std::unexpected<Error> refuse(const Domain& domain, std::string why, std::string next = {}) {
    return fail(ErrorKind::invalid, "use definition", fmt::format("domain '{}'", domain.name.str()), std::move(why), std::move(next));
}

}  // namespace

Element domain_to_tree(const Domain& domain) {
    Element root = tree_without_kept(domain);
    for (const auto& kept : domain.kept) put_back(root, kept);
    return root;
}

Result<void> check_survives_writing(const Domain& domain) {
    Element root = tree_without_kept(domain);
    for (const auto& kept : domain.kept)
        if (!put_back(root, kept)) return refuse(domain, fmt::format("{} is kept for {}, which is not there", kept.xml, kept.parent));
    if (const auto place = unwritable(root, {}); !place.empty())
        return refuse(domain, place + " holds characters that XML cannot carry", "use printable text");
    const auto tree = codec::xml::parse(codec::xml::write_document(root), "definition");
    if (!tree) return refuse(domain, tree.error().why);
    const auto again = domain_from_tree(*tree, "definition", {});
    if (!again) return refuse(domain, again.error().why, again.error().next);
    if (again->domain != domain) return refuse(domain, "part of it would change when written as XML");
    return {};
}

}  // namespace stasis::model
