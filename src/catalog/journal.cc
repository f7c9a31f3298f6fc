#include <string>
#include <utility>

#include "catalog/store.h"

namespace stasis::catalog {
namespace {

constexpr std::int64_t kEndedOperationsKept = 200;  ///< for whoever looks into what happened

std::string_view state_text(StepState state) {
    switch (state) {
        case StepState::intended: return "intended";
        case StepState::done: return "done";
        case StepState::undone: return "undone";
    }
    return "intended";
}

std::optional<StepState> state_from(std::string_view text) {
    for (const StepState state : {StepState::intended, StepState::done, StepState::undone})
        if (text == state_text(state)) return state;
    return std::nullopt;
}

Result<JournalEntry> read_entry(const Database& database, const Statement& row) {
    JournalEntry entry;
    entry.id = row.integer(0);
    auto domain = Uuid::parse(row.text(1));
    if (!domain) return database.bad_row("operations", std::to_string(entry.id), "domain_uuid is none");
    entry.domain = *domain;
    entry.operation = row.text(2);
    entry.plan_text = row.text(3);
    entry.started.value = row.integer(4);
    return entry;
}

Result<void> load_marks(Database& database, JournalEntry& entry) {
    STASIS_TRY(Statement rows, database.prepare("SELECT step, state, outcome FROM operation_steps WHERE operation = ?"
                                                " ORDER BY step", {entry.id}));
    for (;;) {
        STASIS_TRY(const bool more, rows.next());
        if (!more) return {};
        const std::string key = std::to_string(entry.id) + "/" + std::to_string(rows.integer(0));
        const auto state = state_from(rows.text(1));
        if (!state) return database.bad_row("operation_steps", key, "state '" + rows.text(1) + "' is not known");
        if (!fits_u32(rows.integer(0))) return database.bad_row("operation_steps", key, "step is out of range");
        entry.marks.push_back({static_cast<std::size_t>(rows.integer(0)), *state, rows.text(2)});
    }
}

}  // namespace

Result<std::int64_t> SqliteCatalog::begin_operation(const Uuid& domain, const std::string& operation,
                                                    const std::string& plan_text, UnixMicros now) {
    STASIS_TRY(Transaction transaction, Transaction::write(*database_));
    STASIS_CHECK(database_->run("INSERT INTO operations(domain_uuid, operation, plan_text, started_us) VALUES(?, ?, ?, ?)",
                                {domain.str(), operation, plan_text, now.value}));
    const std::int64_t id = database_->last_id();
    STASIS_CHECK(transaction.commit());
    return id;
}

Result<void> SqliteCatalog::mark_step(std::int64_t operation, std::size_t step, StepState state, const std::string& outcome) {
    return mark_steps(operation, {{step, state, outcome}});
}

Result<void> SqliteCatalog::mark_steps(std::int64_t operation, const std::vector<JournalEntry::Mark>& marks) {
    STASIS_TRY(Transaction transaction, Transaction::write(*database_));
    STASIS_TRY(const std::int64_t open,
               database_->number("SELECT count(*) FROM operations WHERE id = ? AND ended_us IS NULL", {operation}));
    if (open == 0)
        return fail(ErrorKind::not_found, "mark a step of an operation", "operation " + std::to_string(operation),
                    "no such operation is open");
    for (const JournalEntry::Mark& mark : marks)
        STASIS_CHECK(database_->run("INSERT INTO operation_steps(operation, step, state, outcome) VALUES(?, ?, ?, ?)"
                                    " ON CONFLICT(operation, step) DO UPDATE SET state = excluded.state,"
                                    " outcome = excluded.outcome",
                                    {operation, static_cast<std::int64_t>(mark.step), state_text(mark.state), mark.outcome}));
    return transaction.commit();
}

Result<void> SqliteCatalog::end_operation(std::int64_t operation, const std::string& outcome, UnixMicros now) {
    STASIS_TRY(Transaction transaction, Transaction::write(*database_));
    STASIS_CHECK(database_->run("UPDATE operations SET ended_us = ?, outcome = ? WHERE id = ? AND ended_us IS NULL",
                                {now.value, outcome, operation}));
    STASIS_CHECK(database_->run("DELETE FROM operations WHERE ended_us IS NOT NULL AND id <= ?",
                                {operation - kEndedOperationsKept}));
    return transaction.commit();
}

Result<std::vector<JournalEntry>> SqliteCatalog::open_operations(const std::optional<Uuid>& domain) {
    STASIS_TRY(Transaction view, Transaction::read(*database_));
    const std::string uuid = domain ? domain->str() : std::string();
    STASIS_TRY(Statement rows, database_->prepare("SELECT id, domain_uuid, operation, plan_text, started_us FROM operations"
                                                  " WHERE ended_us IS NULL AND (?1 = '' OR domain_uuid = ?1) ORDER BY id",
                                                  {uuid}));
    std::vector<JournalEntry> entries;
    for (;;) {
        STASIS_TRY(const bool more, rows.next());
        if (!more) return entries;
        STASIS_TRY(JournalEntry entry, read_entry(*database_, rows));
        STASIS_CHECK(load_marks(*database_, entry));
        entries.push_back(std::move(entry));
    }
}

}  // namespace stasis::catalog
