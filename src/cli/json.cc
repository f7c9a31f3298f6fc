#include "cli/json.h"

#include <nlohmann/json.hpp>

#include "cli/exit_codes.h"
#include "cli/printable.h"

namespace stasis::cli {

namespace {

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json name_or_null(const std::optional<SnapshotName>& name) { return name ? Json(name->str()) : Json(nullptr); }
Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

template <class T>
Json list_of(const std::vector<T>& values) {
    Json list = Json::array();
    for (const T& value : values) list.push_back(json_of(value));
    return list;
}

Json parts_of(const Error& error) {
    return {{"kind", to_string(error.kind)},
            {"attempted", error.attempted},
            {"subject", error.subject},
            {"why", error.why},
            {"next", error.next}};
}

}  // namespace

Json json_of(const DomainSummary& domain) {
    return {{"name", domain.name.str()},
            {"uuid", domain.uuid.str()},
            {"state", to_string(domain.state)},
            {"process_id", or_null(domain.process_id)}};
}

Json json_of(const DiskSummary& disk) {
    return {{"target", disk.target.str()}, {"device", disk.device}, {"bus", disk.bus},
            {"format", disk.format},       {"source", text_or_null(disk.source)},
            {"read_only", disk.read_only}, {"depth", disk.depth}};
}

Json json_of(const DomainInfo& info) {
    Json json = json_of(info.summary);
    json["title"] = info.title;
    json["description"] = info.description;
    json["os_type"] = info.os_type;
    json["machine"] = info.machine;
    json["vcpus"] = info.vcpus;
    json["memory_bytes"] = info.memory.value;
    json["accelerator"] = text_or_null(info.accelerator);
    json["snapshots"] = info.snapshots;
    json["current_snapshot"] = name_or_null(info.current_snapshot);
    json["left_behind_layers"] = info.left_behind_layers;
    json["disks"] = list_of(info.disks);
    return json;
}

Json json_of(const SnapshotDisk& disk) {
    return {{"target", disk.target.str()},
            {"mode", to_string(disk.mode)},
            {"image", text_or_null(disk.image)},
            {"format", text_or_null(disk.format)},
            {"internal_name", text_or_null(disk.internal_name)}};
}

Json json_of(const SnapshotInfo& snapshot) {
    return {{"name", snapshot.name.str()},
            {"domain", snapshot.domain.str()},
            {"domain_uuid", snapshot.domain_uuid.str()},
            {"parent", name_or_null(snapshot.parent)},
            {"children", json_of(snapshot.children)},
            {"descendants", snapshot.descendants},
            {"current", snapshot.current},
            {"state", to_string(snapshot.state)},
            {"created", format_utc_time(snapshot.created.value)},
            {"created_unix_us", snapshot.created.value},
            {"description", snapshot.description},
            {"memory_method", to_string(snapshot.memory_method)},
            {"memory_file", text_or_null(snapshot.memory_file)},
            {"memory_file_bytes", snapshot.memory_bytes.value},
            {"disks", list_of(snapshot.disks)},
            {"machine", snapshot.machine},
            {"hypervisor_version", snapshot.hypervisor_version},
            {"pause_us", or_null(snapshot.pause_us)}};
}

Json json_of(const SnapshotCreated& created) {
    return {{"name", created.name.str()},
            {"pause_us", or_null(created.pause_us)},
            {"complete_us", created.complete_us},
            {"memory_method", to_string(created.memory_method)},
            {"fallback_reason", text_or_null(created.fallback_reason)},
            {"memory_guest_bytes", created.memory_guest_bytes.value},
            {"memory_file_bytes", created.memory_file_bytes.value},
            {"disks", list_of(created.disks)}};
}

Json json_of(const SnapshotReverted& reverted) {
    return {{"name", reverted.name.str()},
            {"state", to_string(reverted.state)},
            {"resume_us", or_null(reverted.resume_us)},
            {"complete_us", reverted.complete_us},
            {"left_behind", reverted.left_behind}};
}

Json json_of(const PlanReport& plan) {
    return {{"operation", plan.operation},
            {"steps", plan.steps},
            {"space_bytes", plan.space.value},
            {"pause_us", or_null(plan.pause_us)},
            {"notes", plan.notes}};
}

Json json_of(const Recovered& recovered) {
    return {{"operation", recovered.operation}, {"outcome", recovered.outcome}, {"detail", recovered.detail}};
}

Json json_of(const Error& error) {
    Json json{{"message_type", "error"}};
    json.update(parts_of(error));
    json["message"] = error.render();
    json["exit_code"] = exit_code(error.kind);
    json["causes"] = Json::array();
    for (const Error* cause = error.cause.get(); cause != nullptr; cause = cause->cause.get())
        json["causes"].push_back(parts_of(*cause));
    return json;
}

Json json_of(const std::vector<SnapshotName>& names) {
    Json list = Json::array();
    for (const auto& name : names) list.push_back(name.str());
    return list;
}

std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace stasis::cli
