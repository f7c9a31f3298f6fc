// Small values that the tests of this room put into a catalog. Plain values; any thread.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "catalog/catalog.h"

namespace stasis::catalog {

inline DomainName domain_name(const char* text) { return *DomainName::parse(text); }
inline SnapshotName name(const std::string& text) { return *SnapshotName::parse(text); }
inline DiskTarget target(const char* text) { return *DiskTarget::parse(text); }

inline model::Image image(std::uint32_t id, const char* disk, std::uint32_t backing = 0) {
    return {.id = {id}, .target = target(disk), .path = "/d/" + std::to_string(id), .format = model::ImageFormat::qcow2,
            .virtual_bytes = UINT64_MAX - id, .backing = {backing}, .made_by_stasis = backing != 0};
}

inline model::Snapshot snapshot(const std::string& text, std::optional<SnapshotName> parent = std::nullopt) {
    return {.name = name(text), .parent = std::move(parent), .created = {1234567}, .state = SnapshotState::running,
            .description = "d", .folder = "/s/" + text,
            .disks = {{target("vdb"), DiskMode::internal, {2}, text}, {target("vda"), DiskMode::external, {1}, {}},
                      {target("vdc"), DiskMode::no, {}, {}}},
            .memory = {MemoryMethod::background, "/s/m", 10, UINT64_MAX}, .definition_xml = "<domain/>", .machine = "pc-q35-7.2",
            .hypervisor_version = "7.2.22", .nvram_copy = "/s/n", .pause_us = 5};
}

}  // namespace stasis::catalog
