// Facts for planner tests: a domain with two qcow2 disks in /img, as the catalog and the images would tell. Test code
// only; values.
#pragma once

#include <algorithm>

#include <gtest/gtest.h>

#include "model/xml/domain_xml.h"
#include "plan/planners.h"

namespace stasis::plan {

inline SnapshotName snap(const std::string& text) { return *SnapshotName::parse(text); }
inline DiskTarget disk(const std::string& text) { return *DiskTarget::parse(text); }

class World4Test {
public:
    World4Test() {
        facts.definition.name = *DomainName::parse("web");
        facts.definition.uuid = *Uuid::parse("11111111-2222-3333-4444-555555555555");
        facts.definition.memory_bytes = 512ull << 20;
        facts.definition.os.machine = facts.machine = "pc-q35-7.2";
        facts.hypervisor_version = "7.2.22";
        facts.free_bytes = 100ull << 30;
        facts.memory_ability.background = true;
        add_disk("vda", "/img/vda.qcow2");
        add_disk("vdb", "/img/vdb.qcow2");
        settings.snapshots_root = "/snaps";
        settings.now = UnixMicros{1'700'000'000'000'000};
        refresh();
    }

    void add_disk(const std::string& target, const std::string& path, model::ImageFormat format = model::ImageFormat::qcow2) {
        facts.definition.disks.push_back({.target = disk(target), .source = path, .format = format});
        const model::ImageId id = facts.images.next_id();
        facts.images.put({.id = id, .target = disk(target), .path = path, .format = format, .virtual_bytes = 1ull << 30});
        facts.active[disk(target)] = id;
        facts.image_facts[path] = {.format = format, .virtual_bytes = 1ull << 30};
        refresh();
    }
    void refresh() { facts.definition_xml = model::domain_to_xml(facts.definition); }

    void run(DomainState state = DomainState::running) {
        facts.state = state;
        facts.guest = model::GuestRef{facts.definition.uuid, 3};
        facts.next_generation = 4;
    }

    /// Applies what the record steps of a plan do to the catalog, and what other steps do to images.
    void apply(const Plan& plan) {
        for (const Step& step : plan.steps) std::visit([&](const auto& each) { apply_step(each); }, step);
    }

    Result<Plan> create(const SnapshotCreateOptions& request) { return plan_snapshot_create(facts, request, settings); }
    /// Plans and applies a snapshot that must succeed.
    void take(const std::string& name, std::optional<DiskMode> mode) {
        auto plan = create({.name = snap(name), .all_disks = mode});
        ASSERT_TRUE(plan) << plan.error().render();
        apply(*plan);
    }
    void revert(const std::string& name) {
        auto plan = plan_snapshot_revert(facts, {.name = snap(name)}, settings);
        ASSERT_TRUE(plan) << plan.error().render();
        apply(*plan);
        facts.next_generation++;
    }

    DomainFacts facts;
    Settings settings;

private:
    template <class T>
    void apply_step(const T&) {}
    void apply_step(const CreateOverlay& step) {
        facts.image_facts[step.path] = {.virtual_bytes = step.virtual_bytes, .backing_path = step.backing_path,
                                        .backing_format = std::string(model::to_string(step.backing_format))};
    }
    void apply_step(const CaptureInstant& step) {
        for (std::size_t i = 0; i < step.disks.size(); ++i) {
            if (step.disks[i].mode != DiskMode::internal) continue;
            facts.image_facts[step.bases[i].path].internal_snapshots.push_back(step.disks[i].internal_name);
        }
    }
    void apply_step(const RemoveFile& step) { facts.image_facts.erase(step.path); }
    void apply_step(const DeleteInternal& step) {
        std::erase(facts.image_facts[step.path].internal_snapshots, step.name);
    }
    void apply_step(const RecordSnapshot& step) {
        for (const model::Image& layer : step.new_layers) {
            facts.images.put(layer);
            facts.active[layer.target] = layer.id;
        }
        auto all = facts.snapshots.snapshots();
        all.push_back(step.snapshot);
        facts.snapshots = model::SnapshotTree(all, step.snapshot.name);
    }
    void apply_step(const RecordRevert& step) {
        for (const model::Image& layer : step.new_layers) facts.images.put(layer);
        facts.active = step.active;
        facts.left_behind.insert(facts.left_behind.end(), step.left_behind.begin(), step.left_behind.end());
        facts.snapshots = model::SnapshotTree(facts.snapshots.snapshots(), step.snapshot);
    }
    void apply_step(const RecordDelete& step) {
        std::vector<model::Snapshot> rest;
        for (const model::Snapshot& each : facts.snapshots.snapshots()) {
            if (std::ranges::find(step.snapshots, each.name) == step.snapshots.end()) rest.push_back(each);
        }
        facts.snapshots = model::SnapshotTree(rest, step.change_current ? step.current : facts.snapshots.current());
        for (model::ImageId id : step.removed_images) {
            facts.images.remove(id);
            std::erase(facts.left_behind, id);
        }
        for (const auto& [target, id] : step.active) facts.active[target] = id;
    }
};

template <class T>
std::vector<T> steps_of(const Plan& plan) {
    std::vector<T> result;
    for (const Step& step : plan.steps) {
        if (const T* found = std::get_if<T>(&step)) result.push_back(*found);
    }
    return result;
}

/// The place of the first step of a kind; the plan's length when there is none.
template <class T>
std::size_t place_of(const Plan& plan) {
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        if (std::holds_alternative<T>(plan.steps[i])) return i;
    }
    return plan.steps.size();
}

}  // namespace stasis::plan
