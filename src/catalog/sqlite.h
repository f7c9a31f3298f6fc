// A thin RAII wrapper of the sqlite3 C API: statements with bound values, transactions that roll back, and SQLite's
// result codes as Errors. Internal to this room. A Database owns its connection; one thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace stasis::catalog {

/// A value to bind: NULL, an integer or text. Text must outlive the call of prepare() only.
using Value = std::variant<std::monostate, std::int64_t, std::string_view>;

class Database;

/// A prepared statement with its values bound. Lives no longer than its Database.
class Statement {
public:
    /// True: a row is there to be read. False: finished.
    Result<bool> next();
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;

private:
    friend class Database;
    struct Finalize { void operator()(sqlite3_stmt* statement) const; };
    Statement(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
    Database* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
public:
    /// Opens an existing file, or a new database in memory for ":memory:".
    static Result<std::unique_ptr<Database>> open(const std::string& path);

    Result<Statement> prepare(std::string_view sql, std::initializer_list<Value> values = {});
    /// Prepares and runs to its end.
    Result<void> run(std::string_view sql, std::initializer_list<Value> values = {});
    /// Runs a list of statements without values.
    Result<void> script(const char* sql);
    /// The first column of the first row of a query that must give one.
    Result<std::int64_t> number(std::string_view sql, std::initializer_list<Value> values = {});
    [[nodiscard]] std::int64_t last_id() const;
    [[nodiscard]] std::int64_t changes() const;  ///< rows changed by the last statement

    /// SQLite's code as an Error about this file.
    [[nodiscard]] std::unexpected<Error> error(int code);
    /// The stored data breaks a rule: names table and key.
    [[nodiscard]] std::unexpected<Error> bad_row(std::string_view table, std::string_view key, std::string_view why) const;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    struct Close { void operator()(sqlite3* handle) const; };
    Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
    [[nodiscard]] std::string damage();  ///< first finding of quick_check
    std::string path_;
    std::unique_ptr<sqlite3, Close> handle_;
};

/// Rolls back unless committed.
class Transaction {
public:
    static Result<Transaction> write(Database& database);  ///< takes the write lock at once
    static Result<Transaction> read(Database& database);   ///< one consistent view over several queries
    Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();
    Result<void> commit();

private:
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;
};

}  // namespace stasis::catalog
