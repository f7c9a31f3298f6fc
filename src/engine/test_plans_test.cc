#include "engine/test_plans.h"

#include <gtest/gtest.h>

#include "model/xml/domain_xml.h"

namespace stasis::engine::testing {
namespace {

using namespace plan;

DiskTarget target(const char* name) { return *DiskTarget::parse(name); }
SnapshotName name_a() { return *SnapshotName::parse("a"); }
model::GuestRef guest(std::uint32_t generation) { return {web(), generation}; }

model::Image image(std::uint32_t id, const char* disk, std::string path, std::uint32_t backing = 0) {
    return {.id = {id}, .target = target(disk), .path = std::move(path), .format = model::ImageFormat::qcow2,
            .virtual_bytes = 1 << 20, .backing = {backing}, .made_by_stasis = backing != 0};
}

std::vector<model::Image> first_images() { return {image(1, "vda", "/d/vda"), image(2, "vdb", "/d/vdb"), image(3, "vdc", "/d/vdc")}; }

std::string definition() {
    model::Domain domain;
    domain.name = *DomainName::parse("web");
    domain.uuid = web();
    domain.memory_bytes = 64 << 20;
    domain.os.machine = "pc-q35-7.2";
    for (const model::Image& each : first_images()) {
        model::Disk disk;
        disk.target = each.target;
        disk.source = each.path;
        disk.format = each.format;
        domain.disks.push_back(disk);
    }
    return model::domain_to_xml(domain);
}

model::ChainImage open_image(const model::Image& from) { return {from.id, from.path, from.format}; }

Plan begin(std::string operation) {
    return {.operation = operation, .domain = web(), .title = operation + " 'web'"};
}

Plan create_plan() {
    const auto before = first_images();
    const std::vector<model::Image> overlays{image(4, "vda", "/s/a/vda_a", 1), image(5, "vdb", "/s/a/vdb_a", 2)};
    Plan plan = begin("snapshot-create");
    plan.steps = {MakeFolder{"/s/a"}, CopyFile{"/n/web", "/s/a/nvram"}};
    OpenOverlays open{guest(1), {}};
    for (std::size_t i = 0; i < 2; ++i) {
        plan.steps.push_back(CreateOverlay{overlays[i].target, overlays[i].path, 1 << 20, before[i].path, model::ImageFormat::qcow2});
        open.overlays.push_back({overlays[i].target, open_image(overlays[i]), before[i].id});
    }
    plan.steps.push_back(open);
    const std::vector<model::DiskCapture> disks{{target("vda"), DiskMode::external, {1}, {4}, {}},
                                                {target("vdb"), DiskMode::external, {2}, {5}, {}},
                                                {target("vdc"), DiskMode::internal, {3}, {}, "a"}};
    plan.steps.push_back(CaptureInstant{guest(1), disks, overlays, before, model::MemoryCapture{"/s/a/a.save"}, true});
    plan.steps.push_back(CompleteMemory{guest(1), "/s/a/a.save"});
    plan.commit_from = plan.steps.size();
    RecordSnapshot record{.domain = web(), .new_layers = overlays};
    record.snapshot = {.name = name_a(), .created = {7}, .state = SnapshotState::running, .folder = "/s/a",
                       .definition_xml = definition()};
    record.snapshot.disks = {{target("vda"), DiskMode::external, {1}, {}}, {target("vdb"), DiskMode::external, {2}, {}},
                             {target("vdc"), DiskMode::internal, {3}, "a"}};
    record.snapshot.memory = {MemoryMethod::background, "/s/a/a.save", 0, 0};
    plan.steps.push_back(record);
    plan.steps.push_back(RemoveFile{"/d/rubbish"});
    return plan;
}

Plan revert_plan() {
    const std::vector<model::Image> layers{image(6, "vda", "/s/a/vda_r6", 1), image(7, "vdb", "/s/a/vdb_r7", 2)};
    Plan plan = begin("snapshot-revert");
    plan.steps = {CopyFile{"/s/a/nvram", "/n/web.g2"}};
    for (const model::Image& layer : layers)
        plan.steps.push_back(CreateOverlay{layer.target, layer.path, 1 << 20, layer.id.value == 6 ? "/d/vda" : "/d/vdb",
                                           model::ImageFormat::qcow2});
    plan.steps.push_back(ParkGuest{guest(1), true});
    plan.steps.push_back(ApplyInternal{target("vdc"), "/d/vdc", "a", "safety"});
    LaunchGuest launch{.guest = guest(2), .definition_xml = definition(), .await_memory = true, .replaces_running = true};
    for (const model::Image& each : {layers[0], layers[1], image(3, "vdc", "/d/vdc")})
        launch.disks.push_back({each.target, {open_image(each)}});
    plan.steps.push_back(launch);
    plan.steps.push_back(LoadMemory{guest(2), "/s/a/a.save"});
    plan.commit_from = plan.steps.size();
    plan.steps.push_back(RecordRevert{.guest = guest(2), .running = true, .snapshot = name_a(), .definition_xml = definition(),
                                      .new_layers = layers,
                                      .active = {{target("vda"), {6}}, {target("vdb"), {7}}, {target("vdc"), {3}}},
                                      .left_behind = {{4}, {5}}, .nvram = "/n/web.g2"});
    plan.steps.push_back(ResumeGuest{guest(2)});
    plan.steps.push_back(KillGuest{guest(1)});
    plan.steps.push_back(DeleteInternal{guest(2), target("vdc"), {3}, "/d/vdc", "safety"});
    return plan;
}

Plan delete_plan() {
    Plan plan = begin("snapshot-delete");
    plan.steps = {RecordDelete{.domain = web(), .snapshots = {name_a()}, .change_current = true},
                  DeleteInternal{guest(1), target("vdc"), {3}, "/d/vdc", "a"}, RemoveFile{"/s/a/a.save"},
                  RemoveFile{"/s/a/nvram"}, RemoveFolder{"/s/a"}};
    return plan;
}

Plan fold_plan() {
    Plan plan = begin("fold");
    plan.steps = {MergeDown{guest(1), target("vda"), {image(4, "vda", "/s/a/vda_a", 1), image(1, "vda", "/d/vda")}},
                  RecordDelete{.domain = web(), .removed_images = {{4}}, .active = {{target("vda"), {1}}}},
                  RemoveFile{"/s/a/vda_a"}};
    return plan;
}

Plan start_plan() {
    Plan plan = begin("start");
    LaunchGuest launch{.guest = guest(2), .definition_xml = definition()};
    for (const model::Image& each : first_images()) launch.disks.push_back({each.target, {open_image(each)}});
    plan.steps = {RecordDomain{definition(), {}, {}}, CopyFile{"/n/web", "/n/new"}, launch, RecordGuest{guest(2), true},
                  ResumeGuest{guest(2)}};
    plan.commit_from = 3;
    return plan;
}

Plan stopped_plan() {
    Plan plan = begin("snapshot-create");
    plan.steps = {MakeFolder{"/s/b"}, CreateInternal{target("vdb"), "/d/vdb", "b"}, CreateInternal{target("vdc"), "/d/vdc", "b"}};
    plan.commit_from = 3;
    RecordSnapshot record{.domain = web()};
    record.snapshot = {.name = *SnapshotName::parse("b"), .created = {9}};
    record.snapshot.disks = {{target("vdb"), DiskMode::internal, {2}, "b"}, {target("vdc"), DiskMode::internal, {3}, "b"}};
    plan.steps.push_back(record);
    return plan;
}

template <class... S>
Plan short_plan(std::string operation, S... steps) {
    Plan plan = begin(std::move(operation));
    (plan.steps.push_back(steps), ...);
    return plan;
}

std::unique_ptr<TestHost> snapshotted_host() {
    auto host = running_host();
    const auto done = make_executor(host->parts())->run(create_plan(), {});
    if (!done) ADD_FAILURE() << done.error().render();
    host->guests_work();
    host->log.clear();
    return host;
}

std::unique_ptr<TestHost> deleted_host() {
    auto host = snapshotted_host();
    EXPECT_TRUE(make_executor(host->parts())->run(delete_plan(), {}).has_value());
    return host;
}

std::unique_ptr<TestHost> stopped_host() {
    auto host = running_host();
    host->guests_die();
    EXPECT_TRUE(host->real_catalog().set_process(web(), std::nullopt).has_value());
    return host;
}

}  // namespace

Uuid web() { return *Uuid::parse("11111111-2222-3333-4444-555555555555"); }

std::unique_ptr<TestHost> running_host() {
    auto host = std::make_unique<TestHost>();
    catalog::Catalog::LayerChange change;
    TestGuest first{.state = DomainState::running};
    for (const model::Image& each : first_images()) {
        host->images[each.path].blocks = {{1, 100}};
        change.put_images.push_back(each);
        change.active[each.target] = each.id;
        first.disks[each.target] = open_image(each);
    }
    host->files = {{"/n/web", "vars"}, {"/d/rubbish", "x"}};
    host->guests[1] = first;
    change.process = model::GuestProcess{1, 1001, 5};
    EXPECT_TRUE(host->real_catalog().define_domain(*DomainName::parse("web"), web(), definition(), change).has_value());
    host->guests_work();
    return host;
}

std::vector<Scenario> scenarios() {
    return {{"create", running_host, create_plan()},
            {"revert", snapshotted_host, revert_plan()},
            {"delete", snapshotted_host, delete_plan()},
            {"fold", deleted_host, fold_plan()},
            {"start", stopped_host, start_plan()},
            {"stopped", stopped_host, stopped_plan()},
            {"destroy", running_host, short_plan("destroy", KillGuest{guest(1)}, RecordGuest{guest(1), false})},
            {"suspend", running_host, short_plan("suspend", PauseGuest{guest(1)})},
            {"shutdown", running_host, short_plan("shutdown", RequestShutdown{guest(1)})},
            {"undefine", stopped_host, short_plan("undefine", ForgetDomain{web()})}};
}

Scenario scenario(const std::string& name) {
    for (Scenario& each : scenarios())
        if (each.name == name) return each;
    ADD_FAILURE() << "no scenario " << name;
    return {};
}

}  // namespace stasis::engine::testing
