// What only reads: never takes a lock, never waits for a writer.
#include "host/host_impl.h"
#include "host/snapshot_report.h"
#include "model/xml/domain_xml.h"
#include "model/xml/snapshot_xml.h"

namespace stasis::host {
namespace {

Result<model::Domain> definition_of(const catalog::DomainRecord& record) {
    STASIS_TRY(model::ParsedDomain parsed, model::domain_from_xml(record.definition_xml, "the catalog", {}));
    return std::move(parsed.domain);
}

const model::Image* active_image(const catalog::DomainRecord& record, const DiskTarget& target) {
    const auto layer = record.active.find(target);
    return layer == record.active.end() ? nullptr : record.images.find(layer->second);
}

DiskSummary summarize(const catalog::DomainRecord& record, const model::Disk& disk) {
    DiskSummary summary{.target = disk.target,
                        .device = disk.device == model::DiskDevice::cdrom ? "cdrom" : "disk",
                        .bus = std::string(model::to_string(disk.bus)),
                        .format = std::string(model::to_string(disk.format)),
                        .source = disk.source,
                        .read_only = disk.read_only};
    if (const model::Image* image = active_image(record, disk.target)) {
        summary.source = image->path;
        summary.format = std::string(model::to_string(image->format));
        if (const auto chain = record.images.chain(image->id)) summary.depth = static_cast<std::uint32_t>(chain->size());
    }
    return summary;
}

}  // namespace

Result<DomainSummary> HostImpl::summary(const catalog::DomainRecord& record) {
    DomainSummary summary{.name = record.name, .uuid = record.uuid};
    if (!record.process) return summary;
    STASIS_TRY(const model::GuestStatus status, world_->ports().lifecycle.status({record.uuid, record.process->generation}));
    summary.state = status.state;
    summary.process_id = status.pid;
    return summary;
}

Result<std::vector<DomainSummary>> HostImpl::list() {
    STASIS_TRY(const std::vector<catalog::DomainRecord> records, world_->catalog().domains());
    std::vector<DomainSummary> result;
    for (const catalog::DomainRecord& record : records) {
        // One guest whose state cannot be told must not hide all others.
        auto each = summary(record);
        result.push_back(each ? *std::move(each) : DomainSummary{.name = record.name, .uuid = record.uuid, .state = DomainState::crashed});
    }
    return result;
}

Result<DomainInfo> HostImpl::domain_info(const std::string& domain) {
    STASIS_TRY(const catalog::DomainRecord record, world_->catalog().domain(domain));
    STASIS_TRY(const model::Domain definition, definition_of(record));
    DomainInfo info{.title = definition.title,
                    .description = definition.description,
                    .os_type = "hvm",
                    .machine = definition.os.machine,
                    .vcpus = definition.vcpus,
                    .memory = Bytes{definition.memory_bytes},
                    .snapshots = record.snapshot_count,
                    .current_snapshot = record.current_snapshot,
                    .left_behind_layers = static_cast<std::uint32_t>(record.left_behind.size())};
    info.summary = {.name = record.name, .uuid = record.uuid};
    if (record.process) {
        STASIS_TRY(const model::GuestStatus status, world_->ports().lifecycle.status({record.uuid, record.process->generation}));
        info.summary.state = status.state;
        info.summary.process_id = status.pid;
        info.accelerator = status.accelerator;
        if (!status.machine.empty()) info.machine = status.machine;
    }
    for (const model::Disk& disk : definition.disks) info.disks.push_back(summarize(record, disk));
    return info;
}

Result<std::string> HostImpl::dump_xml(const std::string& domain) {
    STASIS_TRY(const catalog::DomainRecord record, world_->catalog().domain(domain));
    STASIS_TRY(model::Domain definition, definition_of(record));
    for (model::Disk& disk : definition.disks) {
        const model::Image* image = active_image(record, disk.target);
        if (!image || !image->made_by_stasis) continue;
        disk.source = image->path;
        disk.format = image->format;
        disk.source_type = model::DiskSourceType::file;
    }
    return model::domain_to_xml(definition);
}

Result<std::vector<SnapshotInfo>> HostImpl::snapshot_list(const std::string& domain, const SnapshotListOptions& options) {
    STASIS_TRY(const catalog::DomainRecord record, world_->catalog().domain(domain));
    STASIS_TRY(const model::SnapshotTree tree, world_->catalog().snapshots(record.uuid));
    STASIS_CHECK(tree.check());
    return select_snapshots(describe_snapshots(record, tree), tree, options);
}

Result<SnapshotInfo> HostImpl::snapshot_info(const std::string& domain, const SnapshotName& name) {
    STASIS_TRY(std::vector<SnapshotInfo> all, snapshot_list(domain, {}));
    for (SnapshotInfo& info : all) {
        if (info.name == name) return std::move(info);
    }
    return fail(ErrorKind::not_found, "find snapshot '" + name.str() + "'", "domain '" + domain + "'",
                "it has no snapshot of that name", "see: stasis snapshot-list " + domain);
}

Result<std::string> HostImpl::snapshot_dump_xml(const std::string& domain, const SnapshotName& name) {
    STASIS_TRY(const SnapshotInfo info, snapshot_info(domain, name));
    STASIS_TRY(const catalog::DomainRecord record, world_->catalog().domain(domain));
    STASIS_TRY(const model::SnapshotTree tree, world_->catalog().snapshots(record.uuid));
    return model::snapshot_to_xml(info, tree.find(name)->definition_xml);
}

Result<std::optional<SnapshotInfo>> HostImpl::snapshot_current(const std::string& domain) {
    STASIS_TRY(const catalog::DomainRecord record, world_->catalog().domain(domain));
    if (!record.current_snapshot) return std::optional<SnapshotInfo>{};
    STASIS_TRY(SnapshotInfo info, snapshot_info(domain, *record.current_snapshot));
    return std::optional<SnapshotInfo>{std::move(info)};
}

}  // namespace stasis::host
