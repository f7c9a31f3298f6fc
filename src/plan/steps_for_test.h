// A plan with one example of every kind of step, no field left at its default: for tests of what must know all steps.
// Plain values; any thread.
#pragma once

#include "plan/step.h"

namespace stasis::plan {

inline model::Image example_image(std::uint32_t id, const char* target) {
    return {.id = {id}, .target = *DiskTarget::parse(target), .path = "/d/" + std::to_string(id), .format = model::ImageFormat::qcow2,
            .virtual_bytes = UINT64_MAX, .backing = {id + 1}, .made_by_stasis = true,
            .frozen = model::Fingerprint{1, -2, UINT64_MAX - 1}};
}

inline model::Snapshot example_snapshot() {
    return {.name = *SnapshotName::parse("b \xc3\xa4"), .parent = *SnapshotName::parse("a"), .created = {-5},
            .state = SnapshotState::disk_snapshot, .description = "say \"hi\"\n", .folder = "/s/b",
            .disks = {{*DiskTarget::parse("vda"), DiskMode::internal, {3}, "in"}},
            .memory = {MemoryMethod::precopy, "/s/b/b.save", 10, 11}, .definition_xml = "<domain/>", .machine = "pc-q35-7.2",
            .hypervisor_version = "7.2.22", .nvram_copy = "/s/b/nvram", .pause_us = 12};
}

inline Plan plan_of_every_step() {
    const DiskTarget vda = *DiskTarget::parse("vda");
    const SnapshotName name = *SnapshotName::parse("a");
    const Uuid domain = *Uuid::parse("11111111-2222-3333-4444-555555555555");
    const model::GuestRef guest{domain, 7};
    const model::Image top = example_image(4, "vda");
    const model::Image base = example_image(1, "vda");
    const model::ChainImage open{{4}, "/d/4", model::ImageFormat::qcow2};
    Plan plan{.operation = "snapshot-create", .domain = domain, .title = "take snapshot 'a'", .commit_from = 3,
              .space = {99}, .pause_us = 17, .notes = {"one", "two"}};
    plan.steps = {
        MakeFolder{"/s"},
        CopyFile{"/a", "/b"},
        RemoveFile{"/c"},
        RemoveFolder{"/e"},
        CreateOverlay{vda, "/s/vda_a.qcow2", 10ull << 30, "/d/web.raw", model::ImageFormat::raw},
        CreateInternal{vda, "/d/web.qcow2", "a"},
        ApplyInternal{vda, "/d/web.qcow2", "a", "safe"},
        OpenOverlays{guest, {{vda, open, {1}}}},
        CaptureInstant{guest, {{vda, DiskMode::internal, {1}, {4}, "a"}}, {top}, {base},
                       model::MemoryCapture{"/s/a.save", MemoryMethod::stopped, MemoryCompression::zstd}, false},
        CompleteMemory{guest, "/s/a.save"},
        PauseGuest{guest},
        ResumeGuest{guest},
        ParkGuest{guest, false},
        LaunchGuest{guest, "<domain/>", {{vda, {open}}}, "/n/web", true, true},
        LoadMemory{guest, "/s/a.save"},
        RequestShutdown{guest},
        KillGuest{guest},
        MergeDown{guest, vda, {top, base}},
        DeleteInternal{guest, vda, {3}, "/d/web.qcow2", "a"},
        RecordDomain{"<domain/>", {base}, {{vda, {1}}}},
        ForgetDomain{domain},
        RecordGuest{guest, false},
        RecordSnapshot{domain, example_snapshot(), {top}},
        RecordRevert{guest, true, name, "<domain/>", {top}, {{vda, {4}}}, {{5}, {6}}, "/n/web.g2"},
        RecordDelete{domain, {name}, {{4}}, {{vda, {1}}}, true, name},
    };
    return plan;
}

}  // namespace stasis::plan
