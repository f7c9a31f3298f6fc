#include "catalog/sqlite.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

namespace stasis::catalog {
namespace {

constexpr int kBusyWaitMs = 5'000;  ///< how long a writer waits for another before it says busy
constexpr const char* kAttempted = "use the catalog";

/// What the system said matters more than SQLite's own code: a full disk shows up as several of them.
ErrorKind kind_of(int code, int system_error) {
    if (system_error == ENOSPC || system_error == EDQUOT) return ErrorKind::no_space;
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return ErrorKind::busy;
        case SQLITE_FULL: return ErrorKind::no_space;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return ErrorKind::corrupt;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_READONLY: return ErrorKind::denied;
        case SQLITE_INTERRUPT: return ErrorKind::interrupted;
        case SQLITE_CANTOPEN:
            if (system_error == EACCES || system_error == EPERM) return ErrorKind::denied;
            return system_error == ENOENT ? ErrorKind::not_found : ErrorKind::failed;
        default: return ErrorKind::failed;
    }
}

std::string next_for(ErrorKind kind, const std::string& path) {
    switch (kind) {
        case ErrorKind::busy: return "wait for the other command to finish and try again";
        case ErrorKind::no_space: return "free space in the file system that holds it and try again";
        case ErrorKind::corrupt:
            return "keep a copy, then restore the file from a backup or rescue it with: sqlite3 '" + path + "' .recover";
        case ErrorKind::denied: return "check the owner and the permissions of the file and its folder";
        default: return {};
    }
}

int bind_one(sqlite3_stmt* statement, int index, const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return sqlite3_bind_int64(statement, index, *number);
    if (const auto* text = std::get_if<std::string_view>(&value))
        return sqlite3_bind_text64(statement, index, text->data() ? text->data() : "", text->size(), SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    return sqlite3_bind_null(statement, index);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Result<bool> Statement::next() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return database_->error(code);
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    if (!bytes) return {};
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    if (!handle) return fail(ErrorKind::failed, kAttempted, path, "out of memory");
    std::unique_ptr<Database> database(new Database(path, handle));
    if (code != SQLITE_OK) return database->error(code);
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyWaitMs);
    // The file may come from anybody: no code in its schema, no trust in its pages.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    return database;
}

Result<Statement> Database::prepare(std::string_view sql, std::initializer_list<Value> values) {
    sqlite3_stmt* raw = nullptr;
    const int code = sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
    if (code != SQLITE_OK) return error(code);
    Statement statement(*this, raw);
    int index = 0;
    for (const Value& value : values)
        if (const int bound = bind_one(raw, ++index, value); bound != SQLITE_OK) return error(bound);
    return statement;
}

Result<void> Database::run(std::string_view sql, std::initializer_list<Value> values) {
    STASIS_TRY(Statement statement, prepare(sql, values));
    for (;;) {
        STASIS_TRY(const bool row, statement.next());
        if (!row) return {};
    }
}

Result<void> Database::script(const char* sql) {
    if (const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr); code != SQLITE_OK) return error(code);
    return {};
}

Result<std::int64_t> Database::number(std::string_view sql, std::initializer_list<Value> values) {
    STASIS_TRY(Statement statement, prepare(sql, values));
    STASIS_TRY(const bool row, statement.next());
    if (!row) return fail(ErrorKind::corrupt, kAttempted, path_, "a query that must answer did not");
    return statement.integer(0);
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
std::int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

std::unexpected<Error> Database::error(int code) {
    const ErrorKind kind = kind_of(code, sqlite3_system_errno(handle_.get()));
    std::string why = sqlite3_errmsg(handle_.get());
    if ((code & 0xff) == SQLITE_CORRUPT)
        if (const std::string found = damage(); !found.empty()) why += " (" + found + ")";
    return fail(kind, kAttempted, path_, std::move(why), next_for(kind, path_));
}

std::string Database::damage() {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(handle_.get(), "PRAGMA quick_check(1)", -1, &raw, nullptr) != SQLITE_OK) return {};
    const std::unique_ptr<sqlite3_stmt, Statement::Finalize> statement(raw);
    if (sqlite3_step(raw) != SQLITE_ROW) return {};
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
    return text ? text : "";
}

std::unexpected<Error> Database::bad_row(std::string_view table, std::string_view key, std::string_view why) const {
    return fail(ErrorKind::corrupt, kAttempted, path_,
                "table " + std::string(table) + ", row " + std::string(key) + ": " + std::string(why),
                next_for(ErrorKind::corrupt, path_));
}

Result<Transaction> Transaction::write(Database& database) {
    STASIS_CHECK(database.script("BEGIN IMMEDIATE"));
    return Transaction(database);
}

Result<Transaction> Transaction::read(Database& database) {
    STASIS_CHECK(database.script("BEGIN"));
    return Transaction(database);
}

Transaction::~Transaction() {
    // The error that led here is already on its way; SQLite may have rolled back by itself.
    if (database_) (void)database_->script("ROLLBACK");
}

Result<void> Transaction::commit() {
    STASIS_CHECK(database_->script("COMMIT"));
    database_ = nullptr;
    return {};
}

}  // namespace stasis::catalog
