// Planner of snapshot-delete: a leaf or a whole line of external snapshots, and internal ones. First the snapshots go
// from the catalog; then, disk by disk, layers that nobody needs any more fold into the image below. Every moment in
// between is a valid state: an image without a snapshot is just a deeper chain.
#include <algorithm>
#include <set>

#include "plan/garbage.h"
#include "plan/planners.h"

namespace stasis::plan {
namespace {

/// What remains and what goes.
struct Cut {
    std::vector<SnapshotName> names;
    std::vector<model::Snapshot> deleted;
    std::vector<model::Snapshot> remaining;
    std::optional<SnapshotName> current;
};

/// One chain to fold: top first, base last; and internal snapshots to delete from the base after.
struct Fold {
    DiskTarget target;
    std::vector<model::Image> chain;
    std::vector<DeleteInternal> internals;
};

std::string attempt(const SnapshotName& name) { return "delete snapshot '" + name.str() + "'"; }
std::string subject(const DomainFacts& facts) { return "domain '" + facts.definition.name.str() + "'"; }

std::optional<SnapshotName> surviving_ancestor(const DomainFacts& facts, std::optional<SnapshotName> name,
                                               const std::set<SnapshotName>& gone) {
    while (name && gone.contains(*name)) name = facts.snapshots.find(*name)->parent;
    return name;
}

Result<Cut> cut(const DomainFacts& facts, const SnapshotDeleteOptions& request) {
    if (!facts.snapshots.find(request.name)) {
        return fail(ErrorKind::not_found, attempt(request.name), subject(facts), "it has no snapshot of that name",
                    "see: stasis snapshot-list " + facts.definition.name.str());
    }
    Cut result;
    result.names = {request.name};
    if (request.children) {
        const auto below = facts.snapshots.descendants(request.name);
        result.names.insert(result.names.end(), below.begin(), below.end());
    }
    const std::set<SnapshotName> gone(result.names.begin(), result.names.end());
    for (const model::Snapshot& snapshot : facts.snapshots.snapshots()) {
        (gone.contains(snapshot.name) ? result.deleted : result.remaining).push_back(snapshot);
    }
    result.current = surviving_ancestor(facts, facts.snapshots.current(), gone);
    return result;
}

bool holds_external(const std::vector<model::Snapshot>& snapshots, model::ImageId image) {
    return std::ranges::any_of(snapshots, [&](const model::Snapshot& snapshot) {
        return std::ranges::any_of(snapshot.disks, [&](const model::DiskState& disk) {
            return disk.mode == DiskMode::external && disk.image == image;
        });
    });
}

bool holds_anything(const std::vector<model::Snapshot>& snapshots, model::ImageId image) {
    const auto ids = images_of(snapshots);
    return std::ranges::find(ids, image) != ids.end();
}

/// Images that stay needed: all that remaining snapshots and active layers stand on.
std::set<model::ImageId> needed_images(const DomainFacts& facts, const Cut& cut) {
    std::set<model::ImageId> needed;
    std::vector<model::ImageId> roots = images_of(cut.remaining);
    for (const auto& [target, layer] : facts.active) roots.push_back(layer);
    for (model::ImageId root : roots) {
        for (const model::Image* image = facts.images.find(root); image && needed.insert(image->id).second;) {
            image = facts.images.find(image->backing);
        }
    }
    return needed;
}

std::size_t needed_children(const DomainFacts& facts, const std::set<model::ImageId>& needed, model::ImageId id) {
    const auto all = facts.images.children(id);
    return static_cast<std::size_t>(std::ranges::count_if(all, [&](model::ImageId child) { return needed.contains(child); }));
}

/// How far down the active chain of a disk nothing but the layer above needs an image: the images to fold, with the
/// one they fold into last. Shorter than 2: nothing to fold.
Result<std::vector<model::Image>> foldable(const DomainFacts& facts, const Cut& cut, model::ImageId active,
                                           const std::set<model::ImageId>& needed) {
    STASIS_TRY(const std::vector<model::Image> chain, facts.images.chain(active));
    std::vector<model::Image> fold{chain.front()};
    for (std::size_t i = 1; i < chain.size(); ++i) {
        const bool above_needed = holds_anything(cut.remaining, fold.back().id) || !fold.back().made_by_stasis;
        const bool shared = needed_children(facts, needed, chain[i].id) > 1;
        // Only images that were written under this domain's own snapshots are folded into; a user's template below a
        // disk's own image stays untouched.
        if (above_needed || shared || holds_external(cut.remaining, chain[i].id)) break;
        fold.push_back(chain[i]);
    }
    return fold;
}

/// Every image of a deleted external snapshot must either go, or be the end of a fold.
Result<void> refuse_middle(const DomainFacts& facts, const Cut& cut, const std::set<model::ImageId>& needed,
                           const std::vector<Fold>& folds) {
    for (const model::Snapshot& snapshot : cut.deleted) {
        for (const model::DiskState& disk : snapshot.disks) {
            if (disk.mode != DiskMode::external || !needed.contains(disk.image)) continue;
            const bool folds_away = std::ranges::any_of(folds, [&](const Fold& fold) {
                return std::ranges::find(fold.chain, disk.image, &model::Image::id) != fold.chain.end();
            });
            if (folds_away) continue;
            return fail(ErrorKind::unsupported, attempt(snapshot.name), subject(facts),
                        "other snapshots build on its image of disk " + disk.target.str(),
                        "delete it with all that follow it: --children, or delete those first");
        }
    }
    return {};
}

Result<std::vector<Fold>> plan_folds(const DomainFacts& facts, const Cut& cut, const std::set<model::ImageId>& needed) {
    std::vector<Fold> folds;
    for (const auto& [target, active] : facts.active) {
        STASIS_TRY(std::vector<model::Image> chain, foldable(facts, cut, active, needed));
        if (chain.size() > 1) folds.push_back({target, std::move(chain), {}});
    }
    return folds;
}

std::optional<model::GuestRef> guest_of(const DomainFacts& facts) { return facts.guest; }

/// Deletes what a snapshot keeps inside an image: now, when the image is active; after the fold that makes it
/// active; not at all, when the image goes.
Result<void> plan_internal(const DomainFacts& facts, const model::DiskState& disk, const SnapshotName& name,
                           const std::set<model::ImageId>& needed, std::vector<Fold>& folds, Plan& plan) {
    if (!needed.contains(disk.image)) return {};
    const model::Image& image = *facts.images.find(disk.image);
    if (const auto bad = facts.unreadable.find(image.path); bad != facts.unreadable.end() && !facts.guest) {
        // Found out now: behind the commit point it would hold up every later command.
        if (bad->second.kind != ErrorKind::not_found) return fail_because(bad->second, attempt(name), subject(facts));
        plan.notes.push_back("image " + image.path + " is gone, and internal snapshot '" + disk.internal_name + "' with it");
        return {};
    }
    const DeleteInternal step{guest_of(facts), disk.target, disk.image, image.path, disk.internal_name};
    const auto active = facts.active.find(disk.target);
    if (active != facts.active.end() && active->second == disk.image) {
        const bool folded_away = std::ranges::any_of(folds, [&](const Fold& fold) { return fold.chain.front().id == disk.image; });
        if (!folded_away) plan.steps.push_back(step);
        return {};
    }
    for (Fold& fold : folds) {
        const auto at = std::ranges::find(fold.chain, disk.image, &model::Image::id);
        if (at == fold.chain.end()) continue;
        if (disk.image == fold.chain.back().id) fold.internals.push_back(step);
        return {};
    }
    return fail(ErrorKind::unsupported, attempt(name), subject(facts),
                "it lies inside an image of disk " + disk.target.str() + " that other snapshots build on",
                "delete those first");
}

void remove_files_of(const model::Snapshot& snapshot, Plan& plan) {
    if (!snapshot.memory.path.empty()) plan.steps.push_back(RemoveFile{snapshot.memory.path});
    if (!snapshot.nvram_copy.empty()) plan.steps.push_back(RemoveFile{snapshot.nvram_copy});
}

Plan begin(const DomainFacts& facts, const SnapshotDeleteOptions& request) {
    return {.operation = "snapshot-delete", .domain = facts.definition.uuid,
            .title = attempt(request.name) + " of " + subject(facts)};
}

Result<Plan> plan_removal(const DomainFacts& facts, const SnapshotDeleteOptions& request, const Cut& cut,
                          const std::set<model::ImageId>& needed, std::vector<Fold>& folds) {
    Plan plan = begin(facts, request);
    std::vector<model::ImageId> roots(needed.begin(), needed.end());
    const std::vector<model::Image> garbage = facts.images.garbage(roots);
    RecordDelete record{.domain = facts.definition.uuid, .snapshots = cut.names, .change_current = true, .current = cut.current};
    for (const model::Image& image : garbage) record.removed_images.push_back(image.id);
    plan.steps.push_back(std::move(record));
    for (const model::Snapshot& snapshot : cut.deleted) {
        for (const model::DiskState& disk : snapshot.disks) {
            if (disk.mode != DiskMode::internal) continue;
            STASIS_CHECK(plan_internal(facts, disk, snapshot.name, needed, folds, plan));
        }
        remove_files_of(snapshot, plan);
    }
    for (const model::Image& image : garbage) plan.steps.push_back(RemoveFile{image.path});
    for (const model::Snapshot& snapshot : cut.deleted) {
        if (!snapshot.folder.empty()) plan.steps.push_back(RemoveFolder{snapshot.folder});
    }
    if (!facts.left_behind.empty()) plan.notes.push_back("layers that an earlier revert left behind are dropped");
    return plan;
}

/// A folder made for snapshots of this domain may go when it is empty; any other is the user's.
void remove_own_folder(const std::string& path, const std::string& own_root, Plan& plan) {
    const std::string folder = path.substr(0, path.find_last_of('/'));
    if (folder.starts_with(own_root + "/")) plan.steps.push_back(RemoveFolder{folder});
}

Plan plan_fold(const DomainFacts& facts, const SnapshotDeleteOptions& request, const std::string& own_root, Fold fold) {
    Plan plan = begin(facts, request);
    const model::Image base = fold.chain.back();
    plan.title = "fold disk " + fold.target.str() + " of " + subject(facts) + " into " + base.path;
    plan.steps.push_back(MergeDown{facts.guest, fold.target, fold.chain});
    RecordDelete record{.domain = facts.definition.uuid, .active = {{fold.target, base.id}}};
    fold.chain.pop_back();
    for (const model::Image& image : fold.chain) record.removed_images.push_back(image.id);
    plan.steps.push_back(std::move(record));
    for (const model::Image& image : fold.chain) {
        plan.steps.push_back(RemoveFile{image.path});
        remove_own_folder(image.path, own_root, plan);
    }
    plan.steps.push_back(RemoveFolder{own_root});
    plan.steps.insert(plan.steps.end(), fold.internals.begin(), fold.internals.end());
    // What the layers above hold is written once more into the base.
    for (const model::Image& image : fold.chain) {
        if (const auto known = facts.image_facts.find(image.path); known != facts.image_facts.end()) {
            plan.space.value += known->second.allocated_bytes;
        }
    }
    return plan;
}

}  // namespace

Result<std::vector<Plan>> plan_snapshot_delete(const DomainFacts& facts, const SnapshotDeleteOptions& request,
                                               const Settings& settings) {
    STASIS_TRY(const Cut what, cut(facts, request));
    const std::set<model::ImageId> needed = needed_images(facts, what);
    STASIS_TRY(std::vector<Fold> folds, plan_folds(facts, what, needed));
    STASIS_CHECK(refuse_middle(facts, what, needed, folds));
    std::vector<Plan> plans;
    const std::string own_root = settings.snapshots_root + "/" + facts.definition.uuid.str();
    STASIS_TRY(Plan removal, plan_removal(facts, request, what, needed, folds));
    removal.steps.push_back(RemoveFolder{own_root});
    plans.push_back(std::move(removal));
    for (Fold& fold : folds) plans.push_back(plan_fold(facts, request, own_root, std::move(fold)));
    return plans;
}

}  // namespace stasis::plan
