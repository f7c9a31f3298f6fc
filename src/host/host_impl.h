// The body of stasis::Host: each use case reads facts, plans, and has the plan run. Split over host_reading.cc,
// host_lifecycle.cc and host_snapshots.cc. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <stasis/host.h>

#include "engine/executor.h"
#include "host/facts.h"
#include "host/settings.h"
#include "host/world.h"

namespace stasis::host {

class HostImpl final : public Host {
public:
    HostImpl(std::unique_ptr<World> world, OpenOptions options, HostSettings settings);

    Result<std::vector<DomainSummary>> list() override;
    Result<DomainInfo> domain_info(const std::string& domain) override;
    Result<std::string> dump_xml(const std::string& domain) override;
    Result<std::vector<SnapshotInfo>> snapshot_list(const std::string& domain, const SnapshotListOptions& options) override;
    Result<SnapshotInfo> snapshot_info(const std::string& domain, const SnapshotName& name) override;
    Result<std::string> snapshot_dump_xml(const std::string& domain, const SnapshotName& name) override;
    Result<std::optional<SnapshotInfo>> snapshot_current(const std::string& domain) override;

    Result<Done<Defined>> define(const DefineOptions& options, const RunMode& mode) override;
    Result<Done<Defined>> define_as(const DefineAsOptions& options, const RunMode& mode) override;
    Result<Done<Nothing>> undefine(const std::string& domain, const RunMode& mode) override;
    Result<Done<DomainSummary>> start(const std::string& domain, bool paused, const RunMode& mode) override;
    Result<Done<Nothing>> shutdown(const std::string& domain, std::chrono::milliseconds wait, const RunMode& mode) override;
    Result<Done<Nothing>> destroy(const std::string& domain, const RunMode& mode) override;
    Result<Done<Nothing>> suspend(const std::string& domain, const RunMode& mode) override;
    Result<Done<Nothing>> resume(const std::string& domain, const RunMode& mode) override;

    Result<Done<SnapshotCreated>> snapshot_create(const std::string& domain, const SnapshotCreateOptions& options,
                                                  const RunMode& mode) override;
    Result<Done<SnapshotReverted>> snapshot_revert(const std::string& domain, const SnapshotRevertOptions& options,
                                                   const RunMode& mode) override;
    Result<Done<std::vector<SnapshotName>>> snapshot_delete(const std::string& domain, const SnapshotDeleteOptions& options,
                                                            const RunMode& mode) override;
    Result<Bytes> memory_export(const std::string& domain, const SnapshotName& name, int file_descriptor,
                                const RunMode& mode) override;
    [[nodiscard]] std::vector<Recovered> recovered() const override { return recovered_; }

private:
    using Lock = std::unique_ptr<seam::FileLock>;
    using Planner = std::function<Result<plan::Plan>(const plan::DomainFacts&)>;

    /// The domain's record, locked and recovered first when something will change.
    struct Locked {
        Lock lock;
        catalog::DomainRecord record;
    };
    Result<Locked> lock_domain(const std::string& domain, const RunMode& mode);
    /// Locks without settling: only for destroy, which may have to end a guest that recovery cannot do without.
    Result<Locked> lock_only(const std::string& domain, const RunMode& mode);
    Result<void> settle(Locked& locked, const RunMode& mode);
    Result<Lock> take_lock(const std::string& lock_name);
    Result<engine::Outcome> run(const plan::Plan& plan, const RunMode& mode);
    /// run(), having kept first what the plan's LaunchGuest starts the guest with.
    Result<engine::Outcome> run_launch(const plan::Plan& plan, const RunMode& mode);
    /// Facts, plan, run, for operations whose plan needs nothing else. Returns the plan and whether it ran.
    Result<plan::Plan> plan_and_run(const std::string& domain, const FactsWanted& wanted, const Planner& planner,
                                    const RunMode& mode);
    Result<Done<Nothing>> simple(const std::string& domain, const FactsWanted& wanted, const Planner& planner,
                                 const RunMode& mode);
    Result<Done<Defined>> define_domain(model::Domain domain, std::vector<std::string> left_out, const RunMode& mode);
    Result<void> claim_generation(catalog::DomainRecord& record, const RunMode& mode);
    Result<std::vector<Recovered>> recover_domain(const Uuid& uuid, const RunMode& mode);
    Result<DomainSummary> summary(const catalog::DomainRecord& record);
    Result<void> wait_shut_off(const std::string& domain, std::chrono::milliseconds wait, const RunMode& mode);
    [[nodiscard]] plan::Settings settings_now();
    [[nodiscard]] engine::EngineParts parts();

    std::unique_ptr<World> world_;
    OpenOptions options_;
    HostSettings settings_;
    std::vector<Recovered> recovered_;
};

}  // namespace stasis::host
