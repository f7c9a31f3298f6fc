// The life of a domain: define, undefine, start, shutdown, destroy, suspend, resume.
#include "host/definitions.h"
#include "host/host_impl.h"
#include "plan/planners.h"

namespace stasis::host {
namespace {

std::optional<catalog::DomainRecord> known_domain(World& world, const model::Domain& domain) {
    if (auto by_name = world.catalog().domain(domain.name.str())) return *std::move(by_name);
    if (domain.uuid.is_nil()) return std::nullopt;
    if (auto by_uuid = world.catalog().domain(domain.uuid.str())) return *std::move(by_uuid);
    return std::nullopt;
}

}  // namespace

Result<Done<Defined>> HostImpl::define_domain(model::Domain domain, std::vector<std::string> left_out, const RunMode& mode) {
    // Two definitions of one name at once would both find it free.
    Lock naming;
    if (!mode.explain_only) {
        STASIS_TRY(naming, take_lock("define"));
    }
    std::optional<catalog::DomainRecord> known = known_domain(*world_, domain);
    std::optional<Uuid> known_uuid;
    Locked locked;
    if (known) {
        known_uuid = known->uuid;
        STASIS_TRY(locked, lock_domain(known->uuid.str(), mode));
    }
    STASIS_CHECK(complete_definition(*world_, options_.root, known_uuid, domain));
    plan::ImageFactsByPath images;
    std::map<std::string, Error> unreadable;
    for (const model::Disk& disk : domain.disks) {
        if (!disk.source.empty()) read_chain_facts(*world_, disk.source, disk.format, images, unreadable);
    }
    std::optional<plan::DomainFacts> existing;
    if (known) {
        STASIS_TRY(existing, read_facts(*world_, locked.record, {}));
    }
    const DomainName name = domain.name;
    const Uuid uuid = domain.uuid;
    STASIS_TRY(plan::Plan plan, plan::plan_define(std::move(domain), existing, images));
    for (const auto& [path, error] : unreadable) plan.notes.push_back("image " + path + " cannot be read yet: " + error.why);
    for (const std::string& each : left_out) plan.notes.push_back("left out: " + each);
    STASIS_CHECK(run(plan, mode));
    Done<Defined> done{.plan = plan::report(plan), .value = {}};
    if (mode.explain_only) return done;
    done.value = Defined{.domain = {.name = name, .uuid = uuid}, .left_out = std::move(left_out)};
    return done;
}

Result<Done<Defined>> HostImpl::define(const DefineOptions& options, const RunMode& mode) {
    STASIS_TRY(model::ParsedDomain parsed, read_definition(options));
    return define_domain(std::move(parsed.domain), std::move(parsed.left_out), mode);
}

Result<Done<Defined>> HostImpl::define_as(const DefineAsOptions& options, const RunMode& mode) {
    STASIS_TRY(model::Domain domain, definition_from_options(options));
    return define_domain(std::move(domain), {}, mode);
}

Result<Done<Nothing>> HostImpl::undefine(const std::string& domain, const RunMode& mode) {
    return simple(domain, {}, plan::plan_undefine, mode);
}

Result<Done<DomainSummary>> HostImpl::start(const std::string& domain, bool paused, const RunMode& mode) {
    STASIS_TRY(Locked locked, lock_domain(domain, mode));
    STASIS_CHECK(claim_generation(locked.record, mode));
    STASIS_TRY(const plan::DomainFacts facts, read_facts(*world_, locked.record, {.images = true}));
    STASIS_TRY(const plan::Plan plan, plan::plan_start(facts, paused));
    STASIS_CHECK(run_launch(plan, mode));
    Done<DomainSummary> done{.plan = plan::report(plan), .value = {}};
    if (mode.explain_only) return done;
    STASIS_TRY(const catalog::DomainRecord now, world_->catalog().domain(locked.record.uuid.str()));
    STASIS_TRY(done.value, summary(now));
    return done;
}

Result<void> HostImpl::wait_shut_off(const std::string& domain, std::chrono::milliseconds wait, const RunMode& mode) {
    constexpr std::chrono::milliseconds kLook{100};
    const auto until = world_->clock().steady() + wait;
    for (;;) {
        STASIS_TRY(const catalog::DomainRecord record, world_->catalog().domain(domain));
        STASIS_TRY(const DomainSummary now, summary(record));
        if (now.state == DomainState::shut_off) return {};
        if (mode.cancel && mode.cancel->cancelled()) {
            return fail(ErrorKind::interrupted, "wait for domain '" + domain + "' to shut down", "", "cancelled");
        }
        if (world_->clock().steady() >= until) {
            return fail(ErrorKind::busy, "wait for domain '" + domain + "' to shut down", "",
                        "the guest has not powered off in time", "wait longer, or end it: stasis destroy " + domain);
        }
        world_->clock().sleep(kLook);
    }
}

Result<Done<Nothing>> HostImpl::shutdown(const std::string& domain, std::chrono::milliseconds wait, const RunMode& mode) {
    STASIS_TRY(Done<Nothing> done, simple(domain, {}, plan::plan_shutdown, mode));
    if (!mode.explain_only && wait.count() > 0) STASIS_CHECK(wait_shut_off(domain, wait, mode));
    return done;
}

/// An interrupted operation is settled first, as everywhere. When that needs an answer from a guest that gives none, the
/// guest is ended and settling goes on without it: every undo has a way for a guest that is gone.
Result<Done<Nothing>> HostImpl::destroy(const std::string& domain, const RunMode& mode) {
    STASIS_TRY(Locked locked, lock_only(domain, mode));
    Done<Nothing> done{.plan = {.operation = "destroy"}, .value = {}};
    if (auto settled = settle(locked, mode); !settled) {
        if (!locked.record.process) return std::unexpected(std::move(settled).error());
        const model::GuestRef stuck{locked.record.uuid, locked.record.process->generation};
        STASIS_CHECK(world_->ports().lifecycle.kill(stuck));
        STASIS_CHECK(settle(locked, mode));
        done.plan.steps.push_back("end guest process " + std::to_string(stuck.generation) + ", which an interrupted operation waited for");
    }
    STASIS_TRY(const plan::DomainFacts facts, read_facts(*world_, locked.record, {}));
    if (facts.guest || done.plan.steps.empty()) {
        STASIS_TRY(const plan::Plan plan, plan::plan_destroy(facts));
        STASIS_CHECK(run(plan, mode));
        const PlanReport planned = plan::report(plan);
        done.plan.steps.insert(done.plan.steps.end(), planned.steps.begin(), planned.steps.end());
    }
    if (!mode.explain_only) done.value = Nothing{};
    return done;
}

Result<Done<Nothing>> HostImpl::suspend(const std::string& domain, const RunMode& mode) {
    return simple(domain, {}, plan::plan_suspend, mode);
}

Result<Done<Nothing>> HostImpl::resume(const std::string& domain, const RunMode& mode) {
    return simple(domain, {}, plan::plan_resume, mode);
}

}  // namespace stasis::host
