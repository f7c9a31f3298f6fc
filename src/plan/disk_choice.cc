#include "plan/disk_choice.h"

#include <algorithm>

#include "plan/chains.h"

namespace stasis::plan {
namespace {

/// One disk with what is known of it.
struct Candidate {
    const model::Disk* disk = nullptr;
    const DiskRequest* request = nullptr;       ///< null: not named in the request
    const model::ImageFacts* active = nullptr;  ///< null: no medium
};

std::unexpected<Error> refuse(const model::Disk& disk, ErrorKind kind, std::string why, std::string next) {
    return fail(kind, "snapshot disk", disk.target.str(), std::move(why), std::move(next));
}

const DiskRequest* request_for(const SnapshotCreateOptions& request, const DiskTarget& target) {
    const auto at = std::ranges::find(request.disks, target, &DiskRequest::target);
    return at == request.disks.end() ? nullptr : &*at;
}

Result<void> check_request(const DomainFacts& facts, const SnapshotCreateOptions& request) {
    for (const DiskRequest& each : request.disks) {
        if (!model::find_disk(facts.definition, each.target)) {
            return fail(ErrorKind::not_found, "snapshot disk", each.target.str(),
                        "domain '" + facts.definition.name.str() + "' has no such disk",
                        "see: stasis domblklist " + facts.definition.name.str());
        }
        if (!each.format.empty() && each.format != "qcow2") {
            return fail(ErrorKind::unsupported, "snapshot disk", each.target.str(),
                        "an overlay is always qcow2, not '" + each.format + "'");
        }
    }
    return {};
}

/// Why an internal snapshot cannot be had; empty: it can.
std::string internal_obstacle(const Candidate& candidate, const SnapshotName& name) {
    if (candidate.active->format != model::ImageFormat::qcow2) return "a raw image has no room for snapshots";
    const auto& taken = candidate.active->internal_snapshots;
    if (std::ranges::find(taken, name.str()) != taken.end()) {
        return "its image holds an internal snapshot '" + name.str() + "' already";
    }
    return {};
}

std::optional<DiskMode> asked_mode(const Candidate& candidate, const SnapshotCreateOptions& request) {
    if (candidate.request && candidate.request->mode) return candidate.request->mode;
    if (candidate.request && !candidate.request->path.empty()) return DiskMode::external;
    if (request.all_disks) return request.all_disks;
    if (candidate.disk->snapshot == "manual") return DiskMode::no;
    return disk_mode_from(candidate.disk->snapshot);
}

/// A disk with nothing to capture is left out with a note, unless the request names it.
Result<DiskChoice> leave_out(const Candidate& candidate, DiskChoices& choices) {
    const model::Disk& disk = *candidate.disk;
    const std::string why = disk.source.empty() ? "it has no medium" : "it is read-only";
    if (candidate.request && candidate.request->mode.value_or(DiskMode::no) != DiskMode::no) {
        return refuse(disk, ErrorKind::invalid, why, "leave it out of the request");
    }
    choices.notes.push_back("disk " + disk.target.str() + " is left out: " + why);
    return DiskChoice{.target = disk.target};
}

Result<DiskChoice> choose_asked(const Candidate& candidate, DiskMode mode, const SnapshotName& name) {
    DiskChoice choice{.target = candidate.disk->target, .mode = mode};
    if (candidate.request) choice.overlay_path = candidate.request->path;
    if (mode != DiskMode::internal) return choice;
    if (const std::string obstacle = internal_obstacle(candidate, name); !obstacle.empty()) {
        return refuse(*candidate.disk, ErrorKind::unsupported, obstacle, "ask for an external snapshot of this disk");
    }
    return choice;
}

Result<const model::ImageFacts*> active_facts(const DomainFacts& facts, const model::Disk& disk) {
    const auto layer = facts.active.find(disk.target);
    if (disk.source.empty() || layer == facts.active.end()) return nullptr;
    STASIS_CHECK(check_chain(facts, layer->second));
    return &facts.image_facts.at(facts.images.find(layer->second)->path);
}

/// Turns the costliest internal disks that nobody asked for into external ones until the rest keeps the limit.
void keep_limit(DiskChoices& choices, const std::vector<DiskTarget>& free_to_choose, std::int64_t limit_us) {
    for (;;) {
        std::int64_t sum = 0;
        DiskChoice* costliest = nullptr;
        for (DiskChoice& choice : choices.disks) {
            if (choice.mode != DiskMode::internal) continue;
            sum += choice.pause_us;
            const bool may_change = std::ranges::find(free_to_choose, choice.target) != free_to_choose.end();
            if (may_change && (!costliest || choice.pause_us > costliest->pause_us)) costliest = &choice;
        }
        if (sum <= limit_us || !costliest) return;
        choices.notes.push_back("disk " + costliest->target.str() + " goes external: an internal snapshot would hold the guest for about " +
                                std::to_string(costliest->pause_us / 1000) + " ms");
        costliest->mode = DiskMode::external;
        costliest->pause_us = 0;
    }
}

Result<void> refuse_slow_live(const DiskChoices& choices, std::int64_t limit_us) {
    std::int64_t sum = 0;
    for (const DiskChoice& choice : choices.disks) sum += choice.mode == DiskMode::internal ? choice.pause_us : 0;
    if (sum <= limit_us) return {};
    return fail(ErrorKind::unsupported, "take a live snapshot", "",
                "the internal snapshots asked for would hold the guest for about " + std::to_string(sum / 1000) + " ms",
                "ask for external ones, or leave out --live");
}

}  // namespace

std::int64_t internal_pause_us(const model::ImageFacts& image, const Settings& settings) {
    const auto mib = static_cast<std::int64_t>(image.allocated_bytes >> 20);
    return settings.internal_pause_base_us + mib * settings.internal_pause_us_per_gib / 1024;
}

Result<DiskChoices> choose_disks(const DomainFacts& facts, const SnapshotCreateOptions& request, const Settings& settings,
                                 const SnapshotName& name) {
    STASIS_CHECK(check_request(facts, request));
    DiskChoices choices;
    std::vector<DiskTarget> free_to_choose;
    for (const model::Disk& disk : facts.definition.disks) {
        STASIS_TRY(const model::ImageFacts* active, active_facts(facts, disk));
        const Candidate candidate{&disk, request_for(request, disk.target), active};
        if (!active || disk.read_only) {
            STASIS_TRY(DiskChoice left_out, leave_out(candidate, choices));
            choices.disks.push_back(std::move(left_out));
            continue;
        }
        auto mode = asked_mode(candidate, request);
        if (!mode) {
            free_to_choose.push_back(disk.target);
            mode = internal_obstacle(candidate, name).empty() ? DiskMode::internal : DiskMode::external;
        }
        STASIS_TRY(DiskChoice choice, choose_asked(candidate, *mode, name));
        if (choice.mode == DiskMode::internal) choice.pause_us = internal_pause_us(*active, settings);
        choices.disks.push_back(std::move(choice));
    }
    if (facts.state == DomainState::running) {
        const std::int64_t limit_us = request.internal_pause_limit_us.value_or(settings.internal_pause_limit_us);
        keep_limit(choices, free_to_choose, limit_us);
        if (request.live) STASIS_CHECK(refuse_slow_live(choices, limit_us));
    }
    return choices;
}

}  // namespace stasis::plan
