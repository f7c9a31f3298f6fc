#include "model/xml/snapshot_xml.h"

#include "model/xml/write_parts.h"

namespace stasis::model {

using codec::xml::Element;

namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;

void write_memory(Element& root, const SnapshotInfo& info) {
    Element& memory = add(root, "memory");
    const bool saved = info.memory_method != MemoryMethod::none;
    set(memory, "snapshot", saved ? "external" : "no");
    if (saved) set_unless_empty(memory, "file", info.memory_file);
}

void write_snapshot_disk(Element& disks, const SnapshotDisk& disk) {
    Element& element = add(disks, "disk");
    set(element, "name", disk.target.str());
    set(element, "snapshot", std::string(to_string(disk.mode)));
    if (disk.mode != DiskMode::external) return;
    set(element, "type", "file");
    if (!disk.format.empty()) set(add(element, "driver"), "type", disk.format);
    if (!disk.image.empty()) set(add(element, "source"), "file", disk.image);
}

// The definition as it was; where it cannot be read any more, what identifies the domain.
Element domain_element(const SnapshotInfo& info, const std::string& domain_xml) {
    if (auto parsed = codec::xml::parse(domain_xml, "definition"); parsed && parsed->name == "domain") {
        parsed->tail.clear();
        return *std::move(parsed);
    }
    Element domain{.name = "domain"};
    add(domain, "name", info.domain.str());
    add(domain, "uuid", info.domain_uuid.str());
    return domain;
}

}  // namespace

// The order of libvirt's virDomainSnapshotDefFormat: readers that follow its schema rely on it.
std::string snapshot_to_xml(const SnapshotInfo& info, const std::string& domain_xml) {
    Element root{.name = "domainsnapshot"};
    add(root, "name", info.name.str());
    add_unless_empty(root, "description", info.description);
    add(root, "state", std::string(to_string(info.state)));
    if (info.parent) add(add(root, "parent"), "name", info.parent->str());
    add(root, "creationTime", std::to_string(info.created.value / kMicrosPerSecond));
    write_memory(root, info);
    if (!info.disks.empty()) {
        Element& disks = add(root, "disks");
        for (const auto& disk : info.disks) write_snapshot_disk(disks, disk);
    }
    root.children.push_back(domain_element(info, domain_xml));
    return codec::xml::write_document(root);
}

}  // namespace stasis::model
