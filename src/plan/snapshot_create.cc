// Planner of snapshot-create. Flow 1 of ARCHITECTURE.md: everything is prepared and synced before the instant.
#include <algorithm>

#include "plan/chains.h"
#include "plan/disk_choice.h"
#include "plan/garbage.h"
#include "plan/planners.h"

namespace stasis::plan {
namespace {

/// What the instant itself costs a running guest beside internal disk snapshots; for the estimate only.
constexpr std::int64_t kInstantPauseUs = 10'000;
constexpr std::int64_t kSavePauseUsPerGib = 1'000'000;  ///< a stopped save: what disks here write

/// The request with names and places resolved.
struct Place {
    SnapshotName name;
    std::string folder;
    std::string memory_path;
};

std::string without_trailing_slash(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path;
}

Result<Place> resolve_place(const DomainFacts& facts, const SnapshotCreateOptions& request, const Settings& settings) {
    Place place;
    const std::string path = without_trailing_slash(request.path);
    if (request.name) {
        place.name = *request.name;
    } else if (!path.empty()) {
        STASIS_TRY(place.name, SnapshotName::parse(path.substr(path.find_last_of('/') + 1)));
    } else {
        place.name = model::name_from_time(settings.now, facts.snapshots);
    }
    if (facts.snapshots.find(place.name)) {
        return fail(ErrorKind::exists, "take snapshot '" + place.name.str() + "'",
                    "domain '" + facts.definition.name.str() + "'", "a snapshot of this name exists",
                    "choose another name, or delete it first");
    }
    place.folder = path.empty() ? settings.snapshots_root + "/" + facts.definition.uuid.str() + "/" + place.name.str() : path;
    place.memory_path = request.memory_path.empty() ? place.folder + "/" + place.name.str() + ".save" : request.memory_path;
    return place;
}

Result<void> check_request(const DomainFacts& facts, const SnapshotCreateOptions& request) {
    const std::string subject = "domain '" + facts.definition.name.str() + "'";
    if (request.disk_only && !request.memory_path.empty()) {
        return fail(ErrorKind::invalid, "take a snapshot", subject, "disk-only and a place for memory exclude each other",
                    "leave out one of the two");
    }
    if (!facts.guest && !request.memory_path.empty()) {
        return fail(ErrorKind::invalid, "take a snapshot", subject, "it is shut off and has no memory to save");
    }
    for (const std::string* path : {&request.path, &request.memory_path}) {
        if (!path->empty() && !path->starts_with('/')) {
            return fail(ErrorKind::invalid, "take a snapshot", *path, "the path is not absolute");
        }
    }
    return {};
}

struct MemoryChoice {
    std::optional<model::MemoryCapture> capture;
    std::int64_t pause_us = 0;
    std::string note;
};

Result<MemoryChoice> choose_memory(const DomainFacts& facts, const SnapshotCreateOptions& request,
                                   const Settings& settings, const Place& place) {
    MemoryChoice choice;
    if (!facts.guest || request.disk_only) return choice;
    const model::MemoryAbility& ability = facts.memory_ability;
    if (!ability.migratable) {
        return fail(ErrorKind::unsupported, "save the memory", "domain '" + facts.definition.name.str() + "'",
                    "the hypervisor refuses: " + ability.why_not, "take a snapshot of the disks alone with --disk-only");
    }
    choice.capture = model::MemoryCapture{place.memory_path, MemoryMethod::background,
                                          request.compression.value_or(settings.compression)};
    choice.pause_us = kInstantPauseUs;
    if (facts.state != DomainState::running) {
        choice.capture->method = MemoryMethod::stopped;  // it stands still anyway
        choice.pause_us = 0;
    } else if (!ability.background) {
        choice.capture->method = request.live ? MemoryMethod::precopy : MemoryMethod::stopped;
        const auto mib = static_cast<std::int64_t>(facts.definition.memory_bytes >> 20);
        choice.pause_us = request.live ? 300'000 : mib * kSavePauseUsPerGib / 1024;
        choice.note = "write tracking is not to be had (" + ability.why_not + "): memory goes by a " +
                      std::string(to_string(choice.capture->method)) + " save";
    }
    return choice;
}

/// What the disks of the snapshot become, in the three shapes that the plan needs.
struct DiskPlan {
    std::vector<model::DiskState> states;
    std::vector<model::DiskCapture> captures;
    std::vector<model::Image> bases;      ///< same order as captures
    std::vector<model::Image> overlays;   ///< external only
    std::vector<Step> prepare;            ///< CreateOverlay, one each
    std::int64_t pause_us = 0;
};

Result<model::Image> new_layer(const DomainFacts& facts, const DiskChoice& choice, const model::Image& base,
                               const Place& place, model::ImageId id) {
    model::Image layer{.id = id, .target = choice.target, .format = model::ImageFormat::qcow2, .backing = base.id,
                       .made_by_stasis = true};
    layer.path = choice.overlay_path.empty()
                     ? place.folder + "/" + choice.target.str() + "_" + place.name.str() + ".qcow2"
                     : choice.overlay_path;
    layer.virtual_bytes = facts.image_facts.at(base.path).virtual_bytes;
    STASIS_TRY(const auto depth, facts.images.chain(base.id));
    if (depth.size() + 1 > model::kChainDepthMax) {
        return fail(ErrorKind::unsupported, "add a layer to disk", choice.target.str(),
                    "its chain has reached the limit of " + std::to_string(model::kChainDepthMax) + " images",
                    "delete some snapshots first");
    }
    return layer;
}

Result<DiskPlan> plan_disks(const DomainFacts& facts, const DiskChoices& choices, const Place& place) {
    DiskPlan disks;
    model::ImageId next = facts.images.next_id();
    for (const DiskChoice& choice : choices.disks) {
        model::DiskState state{.target = choice.target, .mode = choice.mode};
        if (choice.mode != DiskMode::no) {
            const model::Image& base = *facts.images.find(facts.active.at(choice.target));
            state.image = base.id;
            model::DiskCapture capture{.target = choice.target, .mode = choice.mode, .active = base.id};
            if (choice.mode == DiskMode::internal) {
                state.internal_name = capture.internal_name = place.name.str();
                disks.pause_us += choice.pause_us;
            } else {
                STASIS_TRY(model::Image layer, new_layer(facts, choice, base, place, next));
                capture.overlay = next;
                ++next.value;
                disks.prepare.push_back(CreateOverlay{choice.target, layer.path, layer.virtual_bytes, base.path, base.format});
                disks.overlays.push_back(std::move(layer));
            }
            disks.captures.push_back(std::move(capture));
            disks.bases.push_back(base);
        }
        disks.states.push_back(std::move(state));
    }
    return disks;
}

void add_running_steps(Plan& plan, const DomainFacts& facts, const DiskPlan& disks, const MemoryChoice& memory) {
    std::vector<model::Overlay> overlays;
    for (const model::Image& layer : disks.overlays) {
        overlays.push_back({layer.target, {layer.id, layer.path, layer.format}, layer.backing});
    }
    if (!overlays.empty()) plan.steps.push_back(OpenOverlays{*facts.guest, std::move(overlays)});
    plan.steps.push_back(CaptureInstant{*facts.guest, disks.captures, disks.overlays, disks.bases, memory.capture,
                                        facts.state == DomainState::running});
    if (memory.capture) plan.steps.push_back(CompleteMemory{*facts.guest, memory.capture->path});
}

void add_stopped_steps(Plan& plan, const DiskPlan& disks) {
    for (std::size_t i = 0; i < disks.captures.size(); ++i) {
        const model::DiskCapture& capture = disks.captures[i];
        if (capture.mode != DiskMode::internal) continue;
        plan.steps.push_back(CreateInternal{capture.target, disks.bases[i].path, capture.internal_name});
    }
}

SnapshotState state_of(const DomainFacts& facts, bool with_memory) {
    if (!facts.guest) return SnapshotState::shut_off;
    if (!with_memory) return SnapshotState::disk_snapshot;
    return facts.state == DomainState::running ? SnapshotState::running : SnapshotState::paused;
}

RecordSnapshot record(const DomainFacts& facts, const SnapshotCreateOptions& request, const Settings& settings,
                      const Place& place, const DiskPlan& disks, const MemoryChoice& memory) {
    RecordSnapshot step{.domain = facts.definition.uuid};
    step.snapshot = {.name = place.name, .parent = facts.snapshots.current(), .created = settings.now,
                     .state = state_of(facts, memory.capture.has_value()), .description = request.description,
                     .folder = place.folder, .disks = disks.states, .machine = facts.machine};
    // Memory fits the devices that the guest was started with, whatever has been defined since.
    const bool as_launched = facts.guest && !facts.launched_xml.empty();
    step.snapshot.definition_xml = as_launched ? facts.launched_xml : facts.definition_xml;
    if (facts.guest) step.snapshot.hypervisor_version = facts.hypervisor_version;
    if (!facts.nvram.empty() && facts.nvram_exists) {
        step.snapshot.nvram_copy = place.folder + "/nvram_" + place.name.str() + ".fd";
    }
    if (memory.capture) {
        step.snapshot.memory = {.method = memory.capture->method, .path = memory.capture->path,
                                .guest_bytes = facts.definition.memory_bytes};
    }
    step.new_layers = disks.overlays;
    return step;
}

void add_estimates(Plan& plan, const DomainFacts& facts, const DiskPlan& disks, const MemoryChoice& memory) {
    plan.space.value = kOverlayBytes * disks.captures.size();
    // 8 bytes of index a page, and what lz4 adds to data that does not shrink is nothing: such chunks stay raw.
    if (memory.capture) plan.space.value += facts.definition.memory_bytes + facts.definition.memory_bytes / 512;
    if (facts.state == DomainState::running) {
        const bool stands_still = memory.capture || disks.pause_us > 0;
        plan.pause_us = stands_still ? memory.pause_us + disks.pause_us : 0;
    }
    if (plan.space.value > facts.free_bytes) {
        plan.notes.push_back("it may take " + format_bytes(plan.space) + ", and " + format_bytes(Bytes{facts.free_bytes}) +
                             " are free; when that is not enough the snapshot is undone and the guest runs on");
    }
}

}  // namespace

Result<Plan> plan_snapshot_create(const DomainFacts& facts, const SnapshotCreateOptions& request, const Settings& settings) {
    STASIS_CHECK(check_request(facts, request));
    STASIS_TRY(const Place place, resolve_place(facts, request, settings));
    STASIS_TRY(DiskChoices choices, choose_disks(facts, request, settings, place.name));
    STASIS_TRY(const MemoryChoice memory, choose_memory(facts, request, settings, place));
    STASIS_TRY(const DiskPlan disks, plan_disks(facts, choices, place));
    if (disks.captures.empty() && !memory.capture) {
        return fail(ErrorKind::invalid, "take a snapshot", "domain '" + facts.definition.name.str() + "'",
                    "there is nothing to snapshot: no disk and no memory", "name at least one disk, or start the domain");
    }
    if (facts.free_bytes < kOverlayBytes * (disks.captures.size() + 1)) {
        return fail(ErrorKind::no_space, "take snapshot '" + place.name.str() + "'", place.folder,
                    "only " + format_bytes(Bytes{facts.free_bytes}) + " are free", "make room, or give another path");
    }
    Plan plan{.operation = "snapshot-create", .domain = facts.definition.uuid,
              .title = "take snapshot '" + place.name.str() + "' of domain '" + facts.definition.name.str() + "'",
              .notes = std::move(choices.notes)};
    if (!memory.note.empty()) plan.notes.push_back(memory.note);
    RecordSnapshot recorded = record(facts, request, settings, place, disks, memory);
    if (request.path.empty()) plan.steps.push_back(MakeFolder{place.folder.substr(0, place.folder.find_last_of('/'))});
    plan.steps.push_back(MakeFolder{place.folder});
    if (!recorded.snapshot.nvram_copy.empty()) plan.steps.push_back(CopyFile{facts.nvram, recorded.snapshot.nvram_copy});
    plan.steps.insert(plan.steps.end(), disks.prepare.begin(), disks.prepare.end());
    if (facts.guest) {
        add_running_steps(plan, facts, disks, memory);
    } else {
        add_stopped_steps(plan, disks);
    }
    plan.commit_from = plan.steps.size();
    plan.steps.push_back(std::move(recorded));
    drop_left_behind(plan, facts, disks.overlays);
    add_estimates(plan, facts, disks, memory);
    return plan;
}

}  // namespace stasis::plan
