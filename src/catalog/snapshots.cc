#include <algorithm>
#include <string>
#include <utility>

#include "catalog/store.h"

namespace stasis::catalog {
namespace {

// By name, as the unique index has them: nothing is sorted here, nor in SnapshotTree.
constexpr std::string_view kSelect =
    "SELECT s.id, s.name, p.name, s.created_us, s.state, s.description, s.folder, s.memory_method, s.memory_path,"
    " s.memory_file_bytes, s.memory_guest_bytes, s.machine, s.hypervisor_version, s.nvram_copy, s.pause_us,"
    " s.definition_xml FROM snapshots s LEFT JOIN snapshots p ON p.id = s.parent WHERE s.domain = ? ORDER BY s.name";

Result<void> read_names(const Database& database, const Statement& row, model::Snapshot& snapshot) {
    const std::string key = std::to_string(row.integer(0));
    auto name = SnapshotName::parse(row.text(1));
    if (!name) return database.bad_row("snapshots", key, "name '" + row.text(1) + "' breaks the rule for names");
    snapshot.name = *std::move(name);
    if (row.is_null(2)) return {};
    auto parent = SnapshotName::parse(row.text(2));
    if (!parent) return database.bad_row("snapshots", key, "its parent's name breaks the rule for names");
    snapshot.parent = *std::move(parent);
    return {};
}

Result<void> read_enums(const Database& database, const Statement& row, model::Snapshot& snapshot) {
    const auto state = snapshot_state_from(row.text(4));
    if (!state) return database.bad_row("snapshots", snapshot.name.str(), "state '" + row.text(4) + "' is not known");
    const auto method = memory_method_from(row.text(7));
    if (!method) return database.bad_row("snapshots", snapshot.name.str(), "memory_method '" + row.text(7) + "' is not known");
    snapshot.state = *state;
    snapshot.memory.method = *method;
    return {};
}

Result<model::Snapshot> read_snapshot(const Database& database, const Statement& row) {
    model::Snapshot snapshot;
    STASIS_CHECK(read_names(database, row, snapshot));
    STASIS_CHECK(read_enums(database, row, snapshot));
    snapshot.created.value = row.integer(3);
    snapshot.description = row.text(5);
    snapshot.folder = row.text(6);
    snapshot.memory.path = row.text(8);
    snapshot.memory.file_bytes = loaded(row.integer(9));
    snapshot.memory.guest_bytes = loaded(row.integer(10));
    snapshot.machine = row.text(11);
    snapshot.hypervisor_version = row.text(12);
    snapshot.nvram_copy = row.text(13);
    if (!row.is_null(14)) snapshot.pause_us = row.integer(14);
    snapshot.definition_xml = row.text(15);
    return snapshot;
}

Result<model::DiskState> read_disk(const Database& database, const Statement& row) {
    const std::string key = std::to_string(row.integer(0)) + "/" + row.text(1);
    model::DiskState disk;
    auto target = DiskTarget::parse(row.text(1));
    if (!target) return database.bad_row("snapshot_disks", key, "target is none");
    disk.target = *std::move(target);
    const auto mode = disk_mode_from(row.text(2));
    if (!mode) return database.bad_row("snapshot_disks", key, "mode '" + row.text(2) + "' is not known");
    disk.mode = *mode;
    if (!fits_u32(row.integer(3))) return database.bad_row("snapshot_disks", key, "image is out of range");
    disk.image.value = static_cast<std::uint32_t>(row.integer(3));  // NULL reads as 0
    disk.internal_name = row.text(4);
    return disk;
}

}  // namespace

Result<model::SnapshotTree> SqliteCatalog::snapshots(const Uuid& domain) {
    STASIS_TRY(Transaction view, Transaction::read(*database_));
    STASIS_TRY(const std::int64_t row, domain_row(domain));
    STASIS_TRY(Statement rows, database_->prepare(kSelect, {row}));
    std::vector<model::Snapshot> all;
    std::vector<std::int64_t> ids;
    for (;;) {
        STASIS_TRY(const bool more, rows.next());
        if (!more) break;
        STASIS_TRY(model::Snapshot snapshot, read_snapshot(*database_, rows));
        all.push_back(std::move(snapshot));
        ids.push_back(rows.integer(0));
    }
    STASIS_CHECK(load_disks(row, all, ids));
    STASIS_TRY(Statement current, database_->prepare("SELECT s.name FROM domains d JOIN snapshots s ON s.id = d.current_snapshot"
                                                     " WHERE d.id = ?", {row}));
    STASIS_TRY(const bool has_current, current.next());
    if (!has_current) return model::SnapshotTree(std::move(all), std::nullopt);
    auto name = SnapshotName::parse(current.text(0));
    if (!name) return database_->bad_row("domains", domain.str(), "its current snapshot's name breaks the rule for names");
    return model::SnapshotTree(std::move(all), *std::move(name));
}

/// Both queries go by name, so one pass joins them.
Result<void> SqliteCatalog::load_disks(std::int64_t domain_row, std::vector<model::Snapshot>& snapshots,
                                       const std::vector<std::int64_t>& ids) {
    STASIS_TRY(Statement rows, database_->prepare("SELECT d.snapshot, d.target, d.mode, d.image, d.internal_name FROM snapshots s"
                                                  " JOIN snapshot_disks d ON d.snapshot = s.id WHERE s.domain = ?"
                                                  " ORDER BY s.name, d.position", {domain_row}));
    std::size_t at = 0;
    for (;;) {
        STASIS_TRY(const bool more, rows.next());
        if (!more) return {};
        STASIS_TRY(model::DiskState disk, read_disk(*database_, rows));
        while (at < ids.size() && ids[at] != rows.integer(0)) ++at;
        if (at == ids.size())
            return database_->bad_row("snapshot_disks", std::to_string(rows.integer(0)), "its snapshot does not exist");
        snapshots[at].disks.push_back(std::move(disk));
    }
}

Result<std::int64_t> SqliteCatalog::snapshot_row(std::int64_t domain_row, const SnapshotName& name) {
    STASIS_TRY(Statement row, database_->prepare("SELECT id FROM snapshots WHERE domain = ? AND name = ?", {domain_row, name.str()}));
    STASIS_TRY(const bool found, row.next());
    if (!found)
        return fail(ErrorKind::not_found, "find a snapshot", "snapshot '" + name.str() + "'", "there is no such snapshot",
                    "see 'stasis snapshot-list'");
    return row.integer(0);
}

Result<void> SqliteCatalog::put_snapshot(const Uuid& domain, const model::Snapshot& snapshot, const LayerChange& change) {
    STASIS_TRY(Transaction transaction, Transaction::write(*database_));
    STASIS_TRY(const std::int64_t row, domain_row(domain));
    STASIS_CHECK(put_snapshot_row(row, snapshot));
    STASIS_TRY(const std::int64_t id, snapshot_row(row, snapshot.name));
    STASIS_CHECK(put_snapshot_disks(id, snapshot.disks));
    STASIS_CHECK(apply_change(row, change));
    return transaction.commit();
}

Result<void> SqliteCatalog::put_snapshot_row(std::int64_t domain_row, const model::Snapshot& snapshot) {
    Value parent;
    if (snapshot.parent) {
        STASIS_TRY(parent, snapshot_row(domain_row, *snapshot.parent));
    }
    const model::MemoryState& memory = snapshot.memory;
    return database_->run(
        "INSERT INTO snapshots(domain, name, parent, created_us, state, description, folder, memory_method, memory_path,"
        " memory_file_bytes, memory_guest_bytes, machine, hypervisor_version, nvram_copy, pause_us, definition_xml)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(domain, name) DO UPDATE SET"
        " parent = excluded.parent, created_us = excluded.created_us, state = excluded.state,"
        " description = excluded.description, folder = excluded.folder, memory_method = excluded.memory_method,"
        " memory_path = excluded.memory_path, memory_file_bytes = excluded.memory_file_bytes,"
        " memory_guest_bytes = excluded.memory_guest_bytes, machine = excluded.machine,"
        " hypervisor_version = excluded.hypervisor_version, nvram_copy = excluded.nvram_copy,"
        " pause_us = excluded.pause_us, definition_xml = excluded.definition_xml",
        {domain_row, snapshot.name.str(), parent, snapshot.created.value, to_string(snapshot.state), snapshot.description,
         snapshot.folder, to_string(memory.method), memory.path, stored(memory.file_bytes), stored(memory.guest_bytes),
         snapshot.machine, snapshot.hypervisor_version, snapshot.nvram_copy, nullable(snapshot.pause_us),
         snapshot.definition_xml});
}

Result<void> SqliteCatalog::put_snapshot_disks(std::int64_t snapshot_row, const std::vector<model::DiskState>& disks) {
    STASIS_CHECK(database_->run("DELETE FROM snapshot_disks WHERE snapshot = ?", {snapshot_row}));
    std::int64_t position = 0;
    for (const model::DiskState& disk : disks)
        STASIS_CHECK(database_->run("INSERT INTO snapshot_disks(snapshot, position, target, mode, image, internal_name)"
                                    " VALUES(?, ?, ?, ?, ?, ?)",
                                    {snapshot_row, position++, disk.target.str(), to_string(disk.mode),
                                     nullable_image(disk.image), disk.internal_name}));
    return {};
}

Result<void> SqliteCatalog::remove_snapshots(const Uuid& domain, const std::vector<SnapshotName>& names,
                                             const LayerChange& change) {
    STASIS_TRY(Transaction transaction, Transaction::write(*database_));
    STASIS_TRY(const std::int64_t row, domain_row(domain));
    for (const SnapshotName& name : names) {
        // One at a time, children move up one: whatever the order, survivors end at their nearest surviving ancestor.
        STASIS_CHECK(database_->run("UPDATE snapshots SET parent = (SELECT parent FROM snapshots WHERE domain = ?1 AND name = ?2)"
                                    " WHERE parent = (SELECT id FROM snapshots WHERE domain = ?1 AND name = ?2)",
                                    {row, name.str()}));
        STASIS_CHECK(database_->run("DELETE FROM snapshots WHERE domain = ? AND name = ?", {row, name.str()}));
    }
    STASIS_CHECK(apply_change(row, change));
    return transaction.commit();
}

}  // namespace stasis::catalog
