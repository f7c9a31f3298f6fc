// Planner of snapshot-revert. Flow 2 of ARCHITECTURE.md. The old guest stands aside, parked, until the new one has
// its memory and the catalog names it; before that, everything can be undone and the old guest goes on.
#include <algorithm>

#include "model/xml/domain_xml.h"
#include "plan/chains.h"
#include "plan/planners.h"
#include "plan/risks.h"

namespace stasis::plan {
namespace {

/// What becomes of the disks.
struct DiskPlan {
    std::vector<Step> overlays;           ///< CreateOverlay, before the old guest is parked
    std::vector<Step> rewinds;            ///< ApplyInternal, after
    std::vector<DeleteInternal> cleanups; ///< of the safety snapshots
    std::vector<model::Image> new_layers;
    model::ActiveLayers active;
    std::vector<model::ImageId> left_behind;
};

std::string attempt(const SnapshotName& name) { return "revert to snapshot '" + name.str() + "'"; }
std::string subject(const DomainFacts& facts) { return "domain '" + facts.definition.name.str() + "'"; }

Result<const model::Snapshot*> find_snapshot(const DomainFacts& facts, const SnapshotName& name) {
    if (const model::Snapshot* found = facts.snapshots.find(name)) return found;
    return fail(ErrorKind::not_found, attempt(name), subject(facts), "it has no snapshot of that name",
                "see: stasis snapshot-list " + facts.definition.name.str());
}

Result<void> check_risks(const DomainFacts& facts, const model::Snapshot& snapshot, bool force, Plan& plan) {
    STASIS_TRY(const std::vector<std::string> risks, revert_risks(facts, snapshot));
    std::string all;
    for (const std::string& risk : risks) all += (all.empty() ? "" : "; ") + risk;
    if (risks.empty()) return {};
    if (!force) {
        return fail(ErrorKind::unsupported, attempt(snapshot.name), subject(facts), "it is risky: " + all,
                    "--force does it all the same");
    }
    plan.notes.push_back("forced: " + all);
    return {};
}

Result<void> check_memory(const DomainFacts& facts, const model::Snapshot& snapshot) {
    if (snapshot.memory.method == MemoryMethod::none) return {};
    if (const auto bad = facts.unreadable.find(snapshot.memory.path); bad != facts.unreadable.end()) {
        return fail_because(bad->second, attempt(snapshot.name), subject(facts), "the memory of this snapshot is lost or damaged");
    }
    return {};
}

Result<void> plan_external(const DomainFacts& facts, const model::Snapshot& snapshot, const model::DiskState& state,
                           model::ImageId id, DiskPlan& plan) {
    STASIS_CHECK(check_chain(facts, state.image));
    const model::Image& frozen = *facts.images.find(state.image);
    model::Image layer{.id = id, .target = state.target, .format = model::ImageFormat::qcow2,
                       .virtual_bytes = facts.image_facts.at(frozen.path).virtual_bytes, .backing = frozen.id,
                       .made_by_stasis = true};
    // The number keeps the names of several reverts to one snapshot apart.
    layer.path = snapshot.folder + "/" + state.target.str() + "_" + snapshot.name.str() + "-r" +
                 std::to_string(id.value) + ".qcow2";
    plan.overlays.push_back(CreateOverlay{state.target, layer.path, layer.virtual_bytes, frozen.path, frozen.format});
    plan.active[state.target] = id;
    if (const auto old = facts.active.find(state.target); old != facts.active.end()) plan.left_behind.push_back(old->second);
    plan.new_layers.push_back(std::move(layer));
    return {};
}

/// A named tap device has one owner: the new guest could not open it while the old one stands aside.
Result<void> refuse_named_tap(const DomainFacts& facts, const SnapshotName& name) {
    const auto& all = facts.definition.interfaces;
    const auto tap = std::ranges::find_if(all, [](const model::Interface& each) {
        return each.type == model::InterfaceType::tap && !each.target.empty();
    });
    if (!facts.guest || tap == all.end()) return {};
    return fail(ErrorKind::unsupported, attempt(name), subject(facts),
                "its interface " + tap->target + " has one owner, and the present guest keeps it until the new one stands",
                "stop the domain first: stasis destroy " + facts.definition.name.str());
}

std::unexpected<Error> refuse_internal(const model::Snapshot& snapshot, const model::DiskState& state, ErrorKind kind,
                                       std::string why, std::string next = {}) {
    return fail(kind, attempt(snapshot.name), "disk '" + state.target.str() + "'", std::move(why), std::move(next));
}

Result<void> plan_internal(const DomainFacts& facts, const model::Snapshot& snapshot, const model::DiskState& state,
                           DiskPlan& plan) {
    const auto active = facts.active.find(state.target);
    if (active == facts.active.end() || active->second != state.image) {
        return refuse_internal(snapshot, state, ErrorKind::unsupported,
                               "this snapshot lies inside an image that later external snapshots build on",
                               "delete the later external snapshots first");
    }
    STASIS_CHECK(check_chain(facts, state.image));
    const model::Image& image = *facts.images.find(state.image);
    const auto& inside = facts.image_facts.at(image.path).internal_snapshots;
    if (std::ranges::find(inside, state.internal_name) == inside.end()) {
        return refuse_internal(snapshot, state, ErrorKind::corrupt,
                               "image " + image.path + " no longer holds the internal snapshot '" + state.internal_name + "'",
                               "another tool deleted it; delete this snapshot");
    }
    const std::string safety = "stasis-before-revert-" + std::to_string(facts.next_generation);
    plan.rewinds.push_back(ApplyInternal{state.target, image.path, state.internal_name, safety});
    plan.cleanups.push_back(DeleteInternal{.guest = {}, .target = state.target, .image = image.id, .path = image.path, .name = safety});
    return {};
}

Result<DiskPlan> plan_disks(const DomainFacts& facts, const model::Snapshot& snapshot) {
    DiskPlan plan{.active = facts.active};
    model::ImageId next = facts.images.next_id();
    for (const model::DiskState& state : snapshot.disks) {
        if (state.mode == DiskMode::external) {
            STASIS_CHECK(plan_external(facts, snapshot, state, next, plan));
            ++next.value;
        } else if (state.mode == DiskMode::internal) {
            STASIS_CHECK(plan_internal(facts, snapshot, state, plan));
        }
    }
    return plan;
}

/// The state after the revert: as told, or as it was when taken; a snapshot without memory leaves the domain shut off.
DomainState wanted_state(const model::Snapshot& snapshot, const std::optional<DomainState>& told) {
    if (told) return *told;
    if (snapshot.state == SnapshotState::running) return DomainState::running;
    return snapshot.state == SnapshotState::paused ? DomainState::paused : DomainState::shut_off;
}

Result<LaunchGuest> launch(const DomainFacts& facts, const model::Snapshot& snapshot, const DiskPlan& disks,
                           const std::string& nvram) {
    STASIS_TRY(const model::ParsedDomain then, model::domain_from_xml(snapshot.definition_xml, "the snapshot", {}));
    model::Domain definition = then.domain;
    if (!snapshot.machine.empty()) definition.os.machine = snapshot.machine;
    model::ImageGraph images = facts.images;
    for (const model::Image& layer : disks.new_layers) images.put(layer);
    LaunchGuest step{.guest = {facts.definition.uuid, facts.next_generation},
                     .definition_xml = model::domain_to_xml(definition)};
    STASIS_TRY(step.disks, attached_disks(definition, images, disks.active));
    step.nvram = nvram;
    step.await_memory = snapshot.memory.method != MemoryMethod::none;
    step.replaces_running = facts.guest.has_value();
    return step;
}

/// The variable store is copied beside the present one, so that the old guest finds its own unchanged if it goes on.
std::string nvram_after(const DomainFacts& facts, const model::Snapshot& snapshot) {
    if (snapshot.nvram_copy.empty() || facts.nvram.empty()) return facts.nvram;
    std::string base = facts.nvram;
    const std::size_t digits_from = base.find_last_not_of("0123456789") + 1;
    if (digits_from < base.size() && base.substr(0, digits_from).ends_with(".g")) base.resize(digits_from - 2);
    return base + ".g" + std::to_string(facts.next_generation);
}

template <class T>
void append(std::vector<Step>& steps, const std::vector<T>& more) {
    steps.insert(steps.end(), more.begin(), more.end());
}

/// After the catalog names the new state: let it run, end the old guest, drop the safety snapshots.
void add_forward_steps(Plan& plan, const DomainFacts& facts, DiskPlan& disks, DomainState wanted, const std::string& nvram) {
    const model::GuestRef fresh{facts.definition.uuid, facts.next_generation};
    if (wanted == DomainState::running) plan.steps.push_back(ResumeGuest{fresh});
    if (facts.guest) plan.steps.push_back(KillGuest{*facts.guest});
    const bool own_copy = nvram != facts.nvram && facts.nvram != facts.definition.os.nvram;
    if (own_copy) plan.steps.push_back(RemoveFile{facts.nvram});
    for (DeleteInternal& cleanup : disks.cleanups) {
        if (wanted != DomainState::shut_off) cleanup.guest = fresh;
    }
    append(plan.steps, disks.cleanups);
}

}  // namespace

Result<Plan> plan_snapshot_revert(const DomainFacts& facts, const SnapshotRevertOptions& request, const Settings&) {
    STASIS_TRY(const model::Snapshot* snapshot, find_snapshot(facts, request.name));
    Plan plan{.operation = "snapshot-revert", .domain = facts.definition.uuid,
              .title = attempt(request.name) + " of " + subject(facts)};
    STASIS_CHECK(check_memory(facts, *snapshot));
    STASIS_TRY(DiskPlan disks, plan_disks(facts, *snapshot));
    STASIS_CHECK(check_risks(facts, *snapshot, request.force, plan));
    const DomainState wanted = wanted_state(*snapshot, request.wanted);
    if (wanted != DomainState::shut_off) STASIS_CHECK(refuse_named_tap(facts, request.name));
    const std::string nvram = nvram_after(facts, *snapshot);

    if (nvram != facts.nvram) plan.steps.push_back(CopyFile{snapshot->nvram_copy, nvram});
    append(plan.steps, disks.overlays);
    if (facts.guest) plan.steps.push_back(ParkGuest{*facts.guest, facts.state == DomainState::running});
    append(plan.steps, disks.rewinds);
    if (wanted != DomainState::shut_off) {
        STASIS_TRY(LaunchGuest step, launch(facts, *snapshot, disks, nvram));
        const bool await_memory = step.await_memory;
        const model::GuestRef fresh = step.guest;
        plan.steps.push_back(std::move(step));
        if (await_memory) plan.steps.push_back(LoadMemory{fresh, snapshot->memory.path});
    }
    plan.commit_from = plan.steps.size();
    plan.steps.push_back(RecordRevert{.guest = {facts.definition.uuid, facts.next_generation},
                                      .running = wanted != DomainState::shut_off,
                                      .snapshot = snapshot->name,
                                      .definition_xml = snapshot->definition_xml,
                                      .new_layers = disks.new_layers,
                                      .active = disks.active,
                                      .left_behind = disks.left_behind,
                                      .nvram = nvram});
    add_forward_steps(plan, facts, disks, wanted, nvram);
    plan.space.value = kOverlayBytes * disks.new_layers.size();
    for (const model::DiskState& state : snapshot->disks) {
        const model::Disk* disk = model::find_disk(facts.definition, state.target);
        const bool written = disk && !disk->read_only && !disk->source.empty();
        if (state.mode != DiskMode::no || !written || snapshot->memory.method == MemoryMethod::none) continue;
        plan.notes.push_back("disk " + state.target.str() + " was left out of this snapshot and stays as it is now, which the memory does not expect");
    }
    if (facts.guest) plan.notes.push_back("the present state of " + subject(facts) + " is given up; its memory is lost");
    return plan;
}

}  // namespace stasis::plan
