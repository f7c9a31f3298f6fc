#include <string>
#include <utility>

#include "catalog/store.h"

namespace stasis::catalog {
namespace {

constexpr std::string_view kSelect =
    "SELECT d.id, d.uuid, d.name, d.definition_xml, d.process_generation, d.process_pid, d.process_start_ticks,"
    " d.next_generation, d.nvram, c.name, (SELECT count(*) FROM snapshots s WHERE s.domain = d.id),"
    " d.next_image"
    " FROM domains d LEFT JOIN snapshots c ON c.id = d.current_snapshot";

std::unexpected<Error> no_domain(const std::string& name) {
    return fail(ErrorKind::not_found, "find a domain", "domain '" + name + "'", "there is no such domain",
                "see 'stasis list'");
}

Result<void> read_names(const Database& database, const Statement& row, DomainRecord& record) {
    const std::string key = std::to_string(row.integer(0));
    auto uuid = Uuid::parse(row.text(1));
    if (!uuid) return database.bad_row("domains", key, "uuid '" + row.text(1) + "' is none");
    auto name = DomainName::parse(row.text(2));
    if (!name) return database.bad_row("domains", key, "name '" + row.text(2) + "' breaks the rule for names");
    record.uuid = *uuid;
    record.name = *std::move(name);
    if (row.is_null(9)) return {};
    auto current = SnapshotName::parse(row.text(9));
    if (!current) return database.bad_row("snapshots", "'" + row.text(9) + "'", "its name breaks the rule for names");
    record.current_snapshot = *std::move(current);
    return {};
}

Result<void> read_numbers(const Database& database, const Statement& row, DomainRecord& record) {
    const std::string key = record.uuid.str();
    if (!fits_u32(row.integer(7)) || row.integer(7) == 0) return database.bad_row("domains", key, "next_generation is out of range");
    record.next_generation = static_cast<std::uint32_t>(row.integer(7));
    if (!fits_u32(row.integer(10))) return database.bad_row("domains", key, "too many snapshots");
    record.snapshot_count = static_cast<std::uint32_t>(row.integer(10));
    if (!fits_u32(row.integer(11)) || row.integer(11) == 0) return database.bad_row("domains", key, "next_image is out of range");
    record.images = model::ImageGraph({}, {static_cast<std::uint32_t>(row.integer(11))});
    if (row.is_null(4)) return {};
    if (!fits_u32(row.integer(4)) || row.integer(5) < 0) return database.bad_row("domains", key, "its process is out of range");
    record.process = model::GuestProcess{static_cast<std::uint32_t>(row.integer(4)), row.integer(5), loaded(row.integer(6))};
    return {};
}

Result<DomainRecord> read_domain(const Database& database, const Statement& row) {
    DomainRecord record;
    STASIS_CHECK(read_names(database, row, record));
    STASIS_CHECK(read_numbers(database, row, record));
    record.definition_xml = row.text(3);
    record.nvram = row.text(8);
    return record;
}

}  // namespace

Result<std::vector<DomainRecord>> SqliteCatalog::domains() {
    STASIS_TRY(Statement rows, database_->prepare(std::string(kSelect) + " ORDER BY d.name"));
    std::vector<DomainRecord> all;
    for (;;) {
        STASIS_TRY(const bool more, rows.next());
        if (!more) return all;
        STASIS_TRY(DomainRecord record, read_domain(*database_, rows));
        all.push_back(std::move(record));
    }
}

Result<DomainRecord> SqliteCatalog::domain(const std::string& name_or_uuid) {
    STASIS_TRY(Transaction view, Transaction::read(*database_));
    // A uuid wins over a name: a domain that is called like the uuid of another must not be able to stand in for it.
    const auto uuid = Uuid::parse(name_or_uuid);
    const std::string uuid_text = uuid ? uuid->str() : std::string();
    STASIS_TRY(Statement find, database_->prepare("SELECT id FROM domains WHERE uuid = ?1 UNION ALL"
                                                  " SELECT id FROM domains WHERE name = ?2", {uuid_text, name_or_uuid}));
    STASIS_TRY(const bool found, find.next());
    if (!found) return no_domain(name_or_uuid);
    STASIS_TRY(Statement row, database_->prepare(std::string(kSelect) + " WHERE d.id = ?", {find.integer(0)}));
    STASIS_TRY(const bool loaded_row, row.next());
    if (!loaded_row) return no_domain(name_or_uuid);
    STASIS_TRY(DomainRecord record, read_domain(*database_, row));
    STASIS_CHECK(load_layers(row.integer(0), record));
    return record;
}

Result<std::int64_t> SqliteCatalog::domain_row(const Uuid& uuid) {
    const std::string text = uuid.str();
    STASIS_TRY(Statement row, database_->prepare("SELECT id FROM domains WHERE uuid = ?", {text}));
    STASIS_TRY(const bool found, row.next());
    if (!found) return no_domain(text);
    return row.integer(0);
}

Result<void> SqliteCatalog::put_domain_row(const DomainName& name, const Uuid& uuid, const std::string& definition_xml) {
    const std::string text = uuid.str();
    STASIS_TRY(const std::int64_t taken,
               database_->number("SELECT count(*) FROM domains WHERE name = ? AND uuid <> ?", {name.str(), text}));
    if (taken != 0)
        return fail(ErrorKind::exists, "define a domain", "domain '" + name.str() + "'",
                    "another domain has this name", "choose another name or undefine that domain");
    return database_->run("INSERT INTO domains(uuid, name, definition_xml) VALUES(?, ?, ?) ON CONFLICT(uuid) DO UPDATE"
                          " SET name = excluded.name, definition_xml = excluded.definition_xml",
                          {text, name.str(), definition_xml});
}

Result<void> SqliteCatalog::put_domain(const DomainName& name, const Uuid& uuid, const std::string& definition_xml) {
    return define_domain(name, uuid, definition_xml, {});
}

Result<void> SqliteCatalog::define_domain(const DomainName& name, const Uuid& uuid, const std::string& definition_xml,
                                          const LayerChange& change) {
    STASIS_TRY(Transaction transaction, Transaction::write(*database_));
    STASIS_CHECK(put_domain_row(name, uuid, definition_xml));
    STASIS_TRY(const std::int64_t row, domain_row(uuid));
    STASIS_CHECK(apply_change(row, change));
    return transaction.commit();
}

Result<void> SqliteCatalog::remove_domain(const Uuid& uuid) {
    STASIS_TRY(Transaction transaction, Transaction::write(*database_));
    STASIS_CHECK(database_->run("DELETE FROM domains WHERE uuid = ?", {uuid.str()}));
    return transaction.commit();
}

Result<void> SqliteCatalog::set_process(const Uuid& uuid, const std::optional<model::GuestProcess>& process) {
    LayerChange change;
    change.process = process;
    return change_layers(uuid, change);
}

Result<std::uint32_t> SqliteCatalog::claim_generation(const Uuid& uuid) {
    STASIS_TRY(Transaction transaction, Transaction::write(*database_));
    STASIS_TRY(const std::int64_t row, domain_row(uuid));
    STASIS_TRY(const std::int64_t claimed, database_->number("SELECT next_generation FROM domains WHERE id = ?", {row}));
    if (!fits_u32(claimed + 1) || claimed < 1) return database_->bad_row("domains", uuid.str(), "next_generation is out of range");
    STASIS_CHECK(database_->run("UPDATE domains SET next_generation = ? WHERE id = ?", {claimed + 1, row}));
    STASIS_CHECK(transaction.commit());
    return static_cast<std::uint32_t>(claimed);
}

Result<void> SqliteCatalog::set_nvram(const Uuid& uuid, const std::string& path) {
    LayerChange change;
    change.nvram = path;
    return change_layers(uuid, change);
}

}  // namespace stasis::catalog
