// The JSON form of everything the program prints, one function a value; docs/json.md describes the fields, and they may
// only be added to. Every field is always there; null says "none" or "not known". Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <stasis/host.h>

namespace stasis::cli {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json json_of(const DomainSummary& domain);
[[nodiscard]] Json json_of(const DiskSummary& disk);
[[nodiscard]] Json json_of(const DomainInfo& info);
[[nodiscard]] Json json_of(const SnapshotDisk& disk);
[[nodiscard]] Json json_of(const SnapshotInfo& snapshot);
[[nodiscard]] Json json_of(const SnapshotCreated& created);
[[nodiscard]] Json json_of(const SnapshotReverted& reverted);
[[nodiscard]] Json json_of(const PlanReport& plan);
[[nodiscard]] Json json_of(const Recovered& recovered);
/// {"message_type":"error", ..., "causes":[...]}.
[[nodiscard]] Json json_of(const Error& error);
[[nodiscard]] Json json_of(const std::vector<SnapshotName>& names);

/// One line, without line feed; bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string line_of(const Json& json);

}  // namespace stasis::cli
