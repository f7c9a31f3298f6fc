// The body of Catalog over SQLite, split over several sources by subject. Internal to this room. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/sqlite.h"

namespace stasis::catalog {

class SqliteCatalog final : public Catalog {
public:
    explicit SqliteCatalog(std::unique_ptr<Database> database) : database_(std::move(database)) {}

    Result<std::vector<DomainRecord>> domains() override;
    Result<DomainRecord> domain(const std::string& name_or_uuid) override;
    Result<void> put_domain(const DomainName& name, const Uuid& uuid, const std::string& definition_xml) override;
    Result<void> remove_domain(const Uuid& uuid) override;
    Result<void> set_process(const Uuid& uuid, const std::optional<model::GuestProcess>& process) override;
    Result<std::uint32_t> claim_generation(const Uuid& uuid) override;
    Result<void> set_nvram(const Uuid& uuid, const std::string& path) override;
    Result<void> change_layers(const Uuid& uuid, const LayerChange& change) override;
    Result<void> define_domain(const DomainName& name, const Uuid& uuid, const std::string& definition_xml,
                               const LayerChange& change) override;

    Result<model::SnapshotTree> snapshots(const Uuid& domain) override;
    Result<void> put_snapshot(const Uuid& domain, const model::Snapshot& snapshot, const LayerChange& change) override;
    Result<void> remove_snapshots(const Uuid& domain, const std::vector<SnapshotName>& names,
                                  const LayerChange& change) override;

    Result<std::int64_t> begin_operation(const Uuid& domain, const std::string& operation, const std::string& plan_text,
                                         UnixMicros now) override;
    Result<void> mark_step(std::int64_t operation, std::size_t step, StepState state, const std::string& outcome) override;
    Result<void> mark_steps(std::int64_t operation, const std::vector<JournalEntry::Mark>& marks) override;
    Result<void> end_operation(std::int64_t operation, const std::string& outcome, UnixMicros now) override;
    Result<std::vector<JournalEntry>> open_operations(const std::optional<Uuid>& domain) override;

    Result<std::optional<std::string>> cached(const std::string& key) override;
    Result<void> cache(const std::string& key, const std::string& value) override;

private:
    /// Row id of a domain; not_found.
    Result<std::int64_t> domain_row(const Uuid& uuid);
    Result<void> put_domain_row(const DomainName& name, const Uuid& uuid, const std::string& definition_xml);

    // layers.cc: these run inside the caller's transaction
    Result<void> load_layers(std::int64_t row, DomainRecord& record);
    Result<void> load_images(std::int64_t row, DomainRecord& record);
    Result<void> apply_change(std::int64_t row, const LayerChange& change);
    Result<void> put_image(std::int64_t row, const model::Image& image);
    Result<void> raise_next_image(std::int64_t row, const std::vector<model::Image>& images);
    Result<void> put_process(std::int64_t row, const std::optional<model::GuestProcess>& process);
    Result<void> put_current(std::int64_t row, const std::optional<SnapshotName>& current);

    // snapshots.cc
    Result<std::int64_t> snapshot_row(std::int64_t domain_row, const SnapshotName& name);
    Result<void> put_snapshot_row(std::int64_t domain_row, const model::Snapshot& snapshot);
    Result<void> put_snapshot_disks(std::int64_t snapshot_row, const std::vector<model::DiskState>& disks);
    Result<void> load_disks(std::int64_t domain_row, std::vector<model::Snapshot>& snapshots,
                            const std::vector<std::int64_t>& ids);

    std::unique_ptr<Database> database_;
};

/// NULL for none.
[[nodiscard]] inline Value nullable(const std::optional<std::int64_t>& value) {
    return value ? Value(*value) : Value();
}
/// Bit for bit: the catalog has no unsigned integers.
[[nodiscard]] inline std::int64_t stored(std::uint64_t value) { return static_cast<std::int64_t>(value); }
[[nodiscard]] inline std::uint64_t loaded(std::int64_t value) { return static_cast<std::uint64_t>(value); }
/// Image 0 means none.
[[nodiscard]] inline Value nullable_image(model::ImageId id) {
    return id.value == 0 ? Value() : Value(std::int64_t{id.value});
}
[[nodiscard]] inline bool fits_u32(std::int64_t value) { return value >= 0 && value <= INT64_C(0xffffffff); }

}  // namespace stasis::catalog
