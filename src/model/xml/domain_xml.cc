#include "model/xml/domain_xml.h"

#include <map>

#include <fmt/format.h>

#include "model/xml/domain_tree.h"
#include "model/xml/read_parts.h"

namespace stasis::model {

namespace {

void read_root(Cursor& root, Domain& domain) {
    if (root.element().name != "domain" || !root.element().ns.empty())
        return root.invalid(fmt::format("the document is a <{}>", root.element().qualified_name()), "give it a <domain>");
    if (const auto* type = root.element().find("type"); type == nullptr || (*type != "kvm" && *type != "qemu"))
        return root.invalid("<domain> is not of type='kvm' or type='qemu'", "write <domain type='kvm'>");
    if (*root.element().find("type") == "kvm") root.attribute("type");  // the other one is kept
    read_general(root, domain);
    read_os(root, domain);
    read_cpu(root, domain);
    read_features(root, domain);
    read_clock(root, domain);
    read_qemu_commandline(root, domain);
    read_devices(root, domain);
    root.finish();
}

// By parent, and within a parent as in the document: the same however the document was arranged.
std::vector<KeptElement> in_order(std::vector<KeptElement> kept) {
    std::multimap<std::string, std::string> by_parent;  // holds equal keys in the order of insertion
    for (auto& one : kept) by_parent.emplace(std::move(one.parent), std::move(one.xml));
    kept.clear();
    for (auto& [parent, xml] : by_parent) kept.push_back({parent, std::move(xml)});
    return kept;
}

}  // namespace

Result<ParsedDomain> domain_from_tree(const codec::xml::Element& tree, const std::string& source, const DomainXmlOptions& options) {
    ReadContext context{source, options, {}, {}, {}};
    ParsedDomain parsed;
    Cursor root(context, tree, "/domain");
    read_root(root, parsed.domain);
    if (context.error) return std::unexpected(*std::move(context.error));
    parsed.domain.kept = in_order(std::move(context.kept));
    parsed.left_out = std::move(context.left_out);
    return parsed;
}

Result<ParsedDomain> domain_from_xml(std::string_view text, const std::string& source, const DomainXmlOptions& options) {
    auto tree = codec::xml::parse(text, source);
    if (!tree) return fail_because(std::move(tree).error(), "read domain definition", source);
    STASIS_TRY(auto parsed, domain_from_tree(*tree, source, options));
    if (auto valid = validate(parsed.domain); !valid)
        return fail_because(std::move(valid).error(), "read domain definition", source);
    return parsed;
}

std::string domain_to_xml(const Domain& domain) { return codec::xml::write_document(domain_to_tree(domain)); }

}  // namespace stasis::model
