// Opening, locking, recovering, running: what all use cases share.
#include "host/host_impl.h"

#include "model/snapshot_config.h"

namespace stasis {

namespace {

Result<std::unique_ptr<host::World>> open_world(const OpenOptions& options) {
    if (options.uri == "qemu:///" || options.uri == "qemu:///system") return host::open_qemu_world(options.root);
    if (options.uri == "fake:///") return host::open_fake_world(options.root);
    return fail(ErrorKind::invalid, "connect", "'" + options.uri + "'", "no driver knows this URI",
                "use qemu:/// or fake:///");
}

}  // namespace

Result<std::unique_ptr<Host>> Host::open(const OpenOptions& options) {
    if (!options.root.starts_with('/')) {
        return fail(ErrorKind::invalid, "open the state folder", "'" + options.root + "'", "the path is not absolute",
                    "set --root or STASIS_ROOT");
    }
    STASIS_TRY(std::unique_ptr<host::World> world, open_world(options));
    STASIS_TRY(host::HostSettings settings, host::load_settings(world->files(), options.root));
    return std::make_unique<host::HostImpl>(std::move(world), options, std::move(settings));
}

Result<SnapshotCreateOptions> apply_snapshot_config(std::string_view text, const std::string& source,
                                                    SnapshotCreateOptions options) {
    return model::merge_snapshot_config(text, source, std::move(options));
}

}  // namespace stasis

namespace stasis::host {

HostImpl::HostImpl(std::unique_ptr<World> world, OpenOptions options, HostSettings settings)
    : world_(std::move(world)), options_(std::move(options)), settings_(std::move(settings)) {}

engine::EngineParts HostImpl::parts() {
    return {world_->ports(), world_->catalog(), [this] { return world_->clock().now(); }};
}

plan::Settings HostImpl::settings_now() {
    plan::Settings settings = settings_.plan;
    settings.now = world_->clock().now();
    return settings;
}

Result<HostImpl::Lock> HostImpl::take_lock(const std::string& lock_name) {
    const std::string folder = options_.root + "/locks";
    STASIS_CHECK(world_->files().make_folders(folder));
    constexpr std::chrono::milliseconds kLockWait{10'000};
    const auto wait = options_.lock_wait.value_or(settings_.lock_wait.value_or(kLockWait));
    return world_->files().lock(folder + "/" + lock_name + ".lock", options_.command, wait);
}

Result<std::vector<Recovered>> HostImpl::recover_domain(const Uuid& uuid, const RunMode& mode) {
    return engine::recover(parts(), uuid, mode);
}

Result<HostImpl::Locked> HostImpl::lock_only(const std::string& domain, const RunMode& mode) {
    Locked locked;
    STASIS_TRY(locked.record, world_->catalog().domain(domain));
    if (mode.explain_only) return locked;
    STASIS_TRY(locked.lock, take_lock(locked.record.uuid.str()));
    return locked;
}

Result<void> HostImpl::settle(Locked& locked, const RunMode& mode) {
    if (mode.explain_only) return {};
    STASIS_TRY(std::vector<Recovered> settled, recover_domain(locked.record.uuid, mode));
    recovered_.insert(recovered_.end(), settled.begin(), settled.end());
    // Whoever held the lock, and the recovery, may have changed it.
    STASIS_TRY(locked.record, world_->catalog().domain(locked.record.uuid.str()));
    return {};
}

Result<HostImpl::Locked> HostImpl::lock_domain(const std::string& domain, const RunMode& mode) {
    STASIS_TRY(Locked locked, lock_only(domain, mode));
    STASIS_CHECK(settle(locked, mode));
    return locked;
}

Result<engine::Outcome> HostImpl::run(const plan::Plan& plan, const RunMode& mode) {
    const auto runner = mode.explain_only ? engine::make_explainer() : engine::make_executor(parts());
    return runner->run(plan, mode);
}

Result<engine::Outcome> HostImpl::run_launch(const plan::Plan& plan, const RunMode& mode) {
    for (const plan::Step& step : plan.steps) {
        const auto* launch = std::get_if<plan::LaunchGuest>(&step);
        if (launch && !mode.explain_only) STASIS_CHECK(keep_launched(*world_, launch->guest, launch->definition_xml));
    }
    return run(plan, mode);
}

Result<plan::Plan> HostImpl::plan_and_run(const std::string& domain, const FactsWanted& wanted, const Planner& planner,
                                          const RunMode& mode) {
    STASIS_TRY(const Locked locked, lock_domain(domain, mode));
    STASIS_TRY(const plan::DomainFacts facts, read_facts(*world_, locked.record, wanted));
    STASIS_TRY(plan::Plan plan, planner(facts));
    STASIS_CHECK(run(plan, mode));
    return plan;
}

Result<Done<Nothing>> HostImpl::simple(const std::string& domain, const FactsWanted& wanted, const Planner& planner,
                                       const RunMode& mode) {
    STASIS_TRY(const plan::Plan plan, plan_and_run(domain, wanted, planner, mode));
    Done<Nothing> done{.plan = plan::report(plan), .value = {}};
    if (!mode.explain_only) done.value = Nothing{};
    return done;
}

Result<void> HostImpl::claim_generation(catalog::DomainRecord& record, const RunMode& mode) {
    if (mode.explain_only) return {};
    STASIS_TRY(record.next_generation, world_->catalog().claim_generation(record.uuid));
    return {};
}

}  // namespace stasis::host
