#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "plan/step.h"

namespace stasis::plan {
namespace {

// In the order of the variant.
constexpr std::array<std::string_view, std::variant_size_v<Step>> kNames{
    "MakeFolder",     "CopyFile",      "RemoveFile",  "RemoveFolder",    "CreateOverlay", "CreateInternal",
    "ApplyInternal",  "OpenOverlays",  "CaptureInstant", "CompleteMemory", "PauseGuest",  "ResumeGuest",
    "ParkGuest",      "LaunchGuest",   "LoadMemory",  "RequestShutdown", "KillGuest",     "MergeDown",
    "DeleteInternal", "RecordDomain",  "ForgetDomain", "RecordGuest",    "RecordSnapshot", "RecordRevert",
    "RecordDelete"};

/// "vda", "vda and vdb", "vda, vdb and vdc".
template <class List>
std::string targets(const List& list) {
    std::string text;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (i > 0) text += i + 1 == list.size() ? " and " : ", ";
        text += list[i].target.str();
    }
    return text;
}

std::string quoted_names(const std::vector<SnapshotName>& names) {
    std::string text;
    for (const SnapshotName& name : names) text += (text.empty() ? "'" : ", '") + name.str() + "'";
    return text;
}

std::string say(const MakeFolder& s) { return "make folder " + s.path; }
std::string say(const CopyFile& s) { return "copy " + s.from + " to " + s.to; }
std::string say(const RemoveFile& s) { return "remove file " + s.path; }
std::string say(const RemoveFolder& s) { return "remove folder " + s.path + " if it is empty"; }
std::string say(const CreateOverlay& s) {
    return "create overlay " + s.path + " on " + s.backing_path + " (" + format_bytes(Bytes{s.virtual_bytes}) + ")";
}
std::string say(const CreateInternal& s) { return "create internal snapshot '" + s.name + "' in " + s.path; }
std::string say(const ApplyInternal& s) {
    return "rewind " + s.path + " to internal snapshot '" + s.name + "', keeping its present state as '" + s.safety + "'";
}
std::string say(const OpenOverlays& s) { return "open the new overlays of " + targets(s.overlays) + " in the guest"; }

std::string say(const CaptureInstant& s) {
    std::vector<model::DiskCapture> external;
    std::vector<model::DiskCapture> internal;
    for (const model::DiskCapture& disk : s.disks) {
        if (disk.mode == DiskMode::external) external.push_back(disk);
        if (disk.mode == DiskMode::internal) internal.push_back(disk);
    }
    std::string text = s.was_running ? "pause the guest" : "with the guest paused";
    if (!external.empty()) text += ", switch " + targets(external) + (external.size() == 1 ? " to its overlay" : " to their overlays");
    if (!internal.empty()) text += ", snapshot " + targets(internal) + " internally";
    if (s.memory) text += ", begin to save memory (" + std::string(to_string(s.memory->method)) + ")";
    return s.was_running ? text + ", let it run on" : text;
}

std::string say(const CompleteMemory& s) { return "complete and seal memory image " + s.path; }
std::string say(const PauseGuest&) { return "pause the guest"; }
std::string say(const ResumeGuest&) { return "let the guest run"; }
std::string say(const ParkGuest&) { return "stop the present guest and make it release its images"; }
std::string say(const LaunchGuest& s) {
    std::string text = "start guest process " + std::to_string(s.guest.generation);
    if (!s.disks.empty()) text += " on";
    for (const model::AttachedDisk& disk : s.disks)
        text += " " + disk.target.str() + "=" + (disk.chain.empty() ? std::string("(no medium)") : disk.chain.front().path);
    return text + (s.await_memory ? ", waiting for its memory" : ", paused");
}
std::string say(const LoadMemory& s) { return "load memory from " + s.path; }
std::string say(const RequestShutdown&) { return "ask the guest to power off"; }
std::string say(const KillGuest& s) { return "end guest process " + std::to_string(s.guest.generation); }
std::string say(const MergeDown& s) {
    if (s.chain.empty()) return "merge nothing into " + s.target.str();
    std::string text = "merge " + s.chain.front().path;
    if (s.chain.size() > 2) text += " and " + std::to_string(s.chain.size() - 2) + " below it";
    return text + " into " + s.chain.back().path + (s.guest ? " while the guest runs" : "");
}
std::string say(const DeleteInternal& s) { return "delete internal snapshot '" + s.name + "' from " + s.path; }

std::string say(const RecordDomain&) { return "record the domain's definition"; }
std::string say(const ForgetDomain& s) { return "forget domain " + s.domain.str(); }
std::string say(const RecordGuest& s) { return s.running ? "record the running guest" : "record that no guest runs"; }
std::string say(const RecordSnapshot& s) { return "record snapshot '" + s.snapshot.name.str() + "' and make it current"; }
std::string say(const RecordRevert& s) {
    std::string text = "record that the domain is at snapshot '" + s.snapshot.str() + "'";
    if (s.left_behind.empty()) return text;
    return text + ", keeping " + std::to_string(s.left_behind.size()) +
           (s.left_behind.size() == 1 ? " active layer that it leaves" : " active layers that it leaves");
}
std::string say(const RecordDelete& s) {
    if (s.snapshots.empty()) return "record which images remain";
    return std::string("forget ") + (s.snapshots.size() == 1 ? "snapshot " : "snapshots ") + quoted_names(s.snapshots);
}

}  // namespace

std::string describe(const Step& step) {
    return std::visit([](const auto& alternative) { return say(alternative); }, step);
}

std::string_view step_name(const Step& step) { return kNames[step.index()]; }

PlanReport report(const Plan& plan) {
    PlanReport report;
    report.operation = plan.operation;
    for (const Step& step : plan.steps) report.steps.push_back(describe(step));
    report.space = plan.space;
    report.pause_us = plan.pause_us;
    report.notes = plan.notes;
    return report;
}

}  // namespace stasis::plan
