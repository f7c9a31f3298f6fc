// Snapshots: create, revert, delete, export of memory.
#include "host/host_impl.h"
#include "host/snapshot_report.h"
#include "plan/planners.h"

namespace stasis::host {
namespace {

std::int64_t micros_since(UnixMicros start, UnixMicros end) { return end.value - start.value; }

/// The step of a kind that the plan has at most once, or nullptr.
template <class T>
const T* find_step(const plan::Plan& plan) {
    for (const plan::Step& step : plan.steps) {
        if (const T* found = std::get_if<T>(&step)) return found;
    }
    return nullptr;
}

/// A snapshot's images after the plan: those it had, and its new layers.
model::ImageGraph images_after(const model::ImageGraph& before, const std::vector<model::Image>& new_layers) {
    model::ImageGraph images = before;
    for (const model::Image& layer : new_layers) images.put(layer);
    return images;
}

SnapshotCreated created_from(const plan::Plan& plan, const plan::DomainFacts& facts, const engine::Outcome& outcome) {
    const plan::RecordSnapshot& record = *find_step<plan::RecordSnapshot>(plan);
    SnapshotCreated created{.name = record.snapshot.name};
    created.disks = describe_disks(images_after(facts.images, record.new_layers), record.snapshot.disks);
    if (outcome.capture) {
        created.pause_us = outcome.capture->pause_us;
        created.memory_method = outcome.capture->method;
        created.memory_guest_bytes = Bytes{outcome.capture->memory_guest_bytes};
        created.memory_file_bytes = Bytes{outcome.capture->memory_file_bytes};
    }
    const bool fell_back = created.memory_method == MemoryMethod::stopped || created.memory_method == MemoryMethod::precopy;
    if (fell_back && facts.state == DomainState::running) created.fallback_reason = facts.memory_ability.why_not;
    return created;
}

}  // namespace

Result<Done<SnapshotCreated>> HostImpl::snapshot_create(const std::string& domain, const SnapshotCreateOptions& options,
                                                        const RunMode& mode) {
    const plan::Settings settings = settings_now();
    STASIS_TRY(const Locked locked, lock_domain(domain, mode));
    const auto begun = world_->clock().steady();
    // Asking sets and resets capabilities of the guest, which is not for a dry run: it holds no lock.
    const FactsWanted wanted{.images = true, .memory_ability = !options.disk_only && !mode.explain_only,
                             .folder = options.path.empty() ? settings.snapshots_root : options.path};
    STASIS_TRY(plan::DomainFacts facts, read_facts(*world_, locked.record, wanted));
    if (mode.explain_only) facts.memory_ability.background = true;
    STASIS_TRY(plan::Plan plan, plan::plan_snapshot_create(facts, options, settings));
    if (mode.explain_only && facts.guest && !options.disk_only) {
        plan.notes.push_back("whether write tracking is to be had is found out when it runs; else memory is saved with the guest stopped");
    }
    STASIS_TRY(const engine::Outcome outcome, run(plan, mode));
    Done<SnapshotCreated> done{.plan = plan::report(plan), .value = {}};
    if (mode.explain_only) return done;
    done.value = created_from(plan, facts, outcome);
    done.value->complete_us = std::chrono::duration_cast<std::chrono::microseconds>(world_->clock().steady() - begun).count();
    return done;
}

Result<Done<SnapshotReverted>> HostImpl::snapshot_revert(const std::string& domain, const SnapshotRevertOptions& options,
                                                         const RunMode& mode) {
    STASIS_TRY(Locked locked, lock_domain(domain, mode));
    const plan::Settings settings = settings_now();  // after waiting for others: times are those of our own work
    STASIS_TRY(const model::SnapshotTree tree, world_->catalog().snapshots(locked.record.uuid));
    FactsWanted wanted{.images = true};
    if (const model::Snapshot* snapshot = tree.find(options.name)) wanted.memory_image = snapshot->memory.path;
    STASIS_CHECK(claim_generation(locked.record, mode));
    STASIS_TRY(const plan::DomainFacts facts, read_facts(*world_, locked.record, wanted));
    STASIS_TRY(const plan::Plan plan, plan::plan_snapshot_revert(facts, options, settings));
    STASIS_TRY(const engine::Outcome outcome, run_launch(plan, mode));
    Done<SnapshotReverted> done{.plan = plan::report(plan), .value = {}};
    if (mode.explain_only) return done;
    SnapshotReverted reverted{.name = options.name};
    const plan::RecordRevert& record = *find_step<plan::RecordRevert>(plan);
    reverted.state = !record.running ? DomainState::shut_off
                     : find_step<plan::ResumeGuest>(plan) ? DomainState::running : DomainState::paused;
    if (outcome.resumed_at) reverted.resume_us = micros_since(settings.now, *outcome.resumed_at);
    reverted.complete_us = micros_since(settings.now, world_->clock().now());
    for (model::ImageId id : record.left_behind) {
        if (const model::Image* image = facts.images.find(id)) reverted.left_behind.push_back(image->path);
    }
    done.value = std::move(reverted);
    return done;
}

Result<Done<std::vector<SnapshotName>>> HostImpl::snapshot_delete(const std::string& domain,
                                                                  const SnapshotDeleteOptions& options, const RunMode& mode) {
    const plan::Settings settings = settings_now();
    STASIS_TRY(const Locked locked, lock_domain(domain, mode));
    STASIS_TRY(const plan::DomainFacts facts, read_facts(*world_, locked.record, {.images = true}));
    STASIS_TRY(const std::vector<plan::Plan> plans, plan::plan_snapshot_delete(facts, options, settings));
    Done<std::vector<SnapshotName>> done{.plan = plan::report(plans.front()), .value = {}};
    for (std::size_t i = 0; i < plans.size(); ++i) {
        if (i > 0) {
            const PlanReport more = plan::report(plans[i]);
            done.plan.steps.insert(done.plan.steps.end(), more.steps.begin(), more.steps.end());
            done.plan.space.value = std::max(done.plan.space.value, more.space.value);
        }
        auto outcome = run(plans[i], mode);
        if (!outcome && i > 0) {
            return fail_because(std::move(outcome).error(), plans[i].title, "",
                                "the snapshot is deleted and nothing is lost; the layers fold with the next snapshot-delete");
        }
        STASIS_CHECK(outcome);
    }
    if (!mode.explain_only) done.value = find_step<plan::RecordDelete>(plans.front())->snapshots;
    return done;
}

Result<Bytes> HostImpl::memory_export(const std::string& domain, const SnapshotName& name, int file_descriptor,
                                      const RunMode& mode) {
    STASIS_TRY(const SnapshotInfo info, snapshot_info(domain, name));
    if (info.memory_file.empty()) {
        return fail(ErrorKind::invalid, "export the memory of snapshot '" + name.str() + "'", "domain '" + domain + "'",
                    "it was taken without memory");
    }
    return world_->export_memory(info.memory_file, file_descriptor, mode.progress, mode.cancel);
}

}  // namespace stasis::host
