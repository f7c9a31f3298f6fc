#include "catalog/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "catalog/values_for_test.h"

namespace stasis::catalog {
namespace {

using ::testing::HasSubstr;
using LayerChange = Catalog::LayerChange;

/// A folder that goes away with the test.
class Folder {
public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "stasis-catalog-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string file() const { return path_ + "/catalog.db"; }

private:
    std::string path_;
};

/// Runs SQL behind the catalog's back.
void tamper(const std::string& path, const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << (message ? message : "");
    sqlite3_close(handle);
}

TEST(CatalogFile, IsPrivateAndDurable) {
    const Folder folder;
    ::umask(0);
    {
        const auto catalog = *Catalog::open(folder.file());
        ASSERT_TRUE(catalog->put_domain(domain_name("web"), Uuid::random(), "x").has_value());
        for (const char* suffix : {"", "-wal", "-shm"}) {
            struct stat found {};
            ASSERT_EQ(::stat((folder.file() + suffix).c_str(), &found), 0) << suffix;
            EXPECT_EQ(found.st_mode & 0777, 0600u) << suffix;
        }
    }
    ::umask(022);
    EXPECT_EQ((*Catalog::open(folder.file()))->domains()->size(), 1u);
}

TEST(CatalogFile, AMissingFolderIsNotFound) {
    EXPECT_EQ(Catalog::open("/nonexistent/folder/catalog.db").error().kind, ErrorKind::not_found);
}

TEST(CatalogFile, WhatIsNoRegularFileIsDenied) {
    EXPECT_EQ(Catalog::open("/dev/full").error().kind, ErrorKind::denied);
    const Folder folder;
    std::filesystem::create_symlink("/etc/passwd", folder.file());
    EXPECT_EQ(Catalog::open(folder.file()).error().kind, ErrorKind::denied);
}

TEST(CatalogFile, RubbishAndOtherProgramsFilesAreCorrupt) {
    const Folder folder;
    std::ofstream(folder.file()) << std::string(8192, 'x');
    auto opened = Catalog::open(folder.file());
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
    EXPECT_NE(opened.error().next, "");
    const Folder other;
    tamper(other.file(), "CREATE TABLE t(x)");
    EXPECT_EQ(Catalog::open(other.file()).error().kind, ErrorKind::corrupt);
    const Folder marked;
    tamper(marked.file(), "PRAGMA application_id = 42; CREATE TABLE t(x)");
    EXPECT_EQ(Catalog::open(marked.file()).error().kind, ErrorKind::corrupt);
}

TEST(CatalogFile, ANewerSchemaIsRefused) {
    const Folder folder;
    ASSERT_TRUE(Catalog::open(folder.file()).has_value());
    tamper(folder.file(), "PRAGMA user_version = 2");
    const auto opened = Catalog::open(folder.file());
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
    EXPECT_THAT(opened.error().render(), HasSubstr("newer"));
}

TEST(CatalogFile, ACutFileIsCorruptNotACrash) {
    const Folder folder;
    {
        const auto catalog = *Catalog::open(folder.file());
        ASSERT_TRUE(catalog->put_domain(domain_name("web"), Uuid::random(), std::string(50'000, 'x')).has_value());
    }
    const auto size = std::filesystem::file_size(folder.file());
    for (const std::uintmax_t part : {size / 2, size - 4096, std::uintmax_t{4096}, std::uintmax_t{100}}) {
        std::filesystem::resize_file(folder.file(), part);
        const auto opened = Catalog::open(folder.file());
        const auto kind = opened ? (*opened)->domain("web") .has_value() ? ErrorKind::failed : (*opened)->domain("web").error().kind
                                 : opened.error().kind;
        EXPECT_EQ(kind, ErrorKind::corrupt) << part;
    }
}

TEST(CatalogFile, ABadRowIsNamed) {
    const std::vector<std::pair<std::string, std::string>> damages{
        {"UPDATE domains SET uuid = 'x'", "domains"},
        {"UPDATE domains SET name = '../x'", "domains"},
        {"UPDATE domains SET next_generation = -1", "domains"},
        {"UPDATE images SET target = '!'", "images"},
        {"UPDATE images SET format = 'vmdk'", "images"},
        {"UPDATE active_layers SET target = '!'", "active_layers"},
        {"UPDATE snapshots SET name = '../x'", "snapshots"},
        {"UPDATE snapshots SET state = 'x'", "snapshots"},
        {"UPDATE snapshots SET memory_method = 'x'", "snapshots"},
        {"UPDATE snapshot_disks SET mode = 'x'", "snapshot_disks"},
        {"UPDATE snapshot_disks SET target = '!'", "snapshot_disks"},
        {"UPDATE snapshot_disks SET image = -1", "snapshot_disks"},
        {"UPDATE operations SET domain_uuid = 'x'", "operations"},
        {"UPDATE operation_steps SET state = 'x'", "operation_steps"}};
    for (const auto& [sql, table] : damages) {
        const Folder folder;
        const Uuid uuid = Uuid::random();
        {
            const auto catalog = *Catalog::open(folder.file());
            LayerChange change;
            change.put_images = {image(1, "vda"), image(2, "vdb")};
            change.active = {{target("vda"), {1}}};
            ASSERT_TRUE(catalog->define_domain(domain_name("web"), uuid, "x", change).has_value());
            ASSERT_TRUE(catalog->put_snapshot(uuid, snapshot("a"), {}).has_value());
            const auto id = *catalog->begin_operation(uuid, "x", "p", {1});
            ASSERT_TRUE(catalog->mark_step(id, 0, StepState::done, "").has_value());
        }
        tamper(folder.file(), sql);
        const auto catalog = *Catalog::open(folder.file());
        std::vector<Error> errors;
        if (auto all = catalog->domains(); !all) errors.push_back(all.error());
        if (auto one = catalog->domain("web"); !one && one.error().kind != ErrorKind::not_found) errors.push_back(one.error());
        if (auto tree = catalog->snapshots(uuid); !tree && tree.error().kind != ErrorKind::not_found) errors.push_back(tree.error());
        if (auto open = catalog->open_operations(std::nullopt); !open) errors.push_back(open.error());
        ASSERT_FALSE(errors.empty()) << sql;
        EXPECT_EQ(errors.front().kind, ErrorKind::corrupt) << sql;
        EXPECT_THAT(errors.front().render(), HasSubstr("table " + table)) << sql;
    }
}

TEST(CatalogFile, ReadersDoNotWaitForAWriter) {
    const Folder folder;
    const auto catalog = *Catalog::open(folder.file());
    ASSERT_TRUE(catalog->put_domain(domain_name("web"), Uuid::random(), "x").has_value());
    sqlite3* writer = nullptr;
    ASSERT_EQ(sqlite3_open(folder.file().c_str(), &writer), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(writer, "BEGIN IMMEDIATE; UPDATE domains SET nvram = 'y'", nullptr, nullptr, nullptr), SQLITE_OK);
    const auto begun = std::chrono::steady_clock::now();
    const auto reader = Catalog::open(folder.file());
    ASSERT_TRUE(reader.has_value()) << reader.error().render();
    EXPECT_EQ((*reader)->domain("web")->nvram, "");
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(4)) << "it waited for the lock";
    sqlite3_exec(writer, "COMMIT", nullptr, nullptr, nullptr);
    EXPECT_EQ((*reader)->domain("web")->nvram, "y");
    sqlite3_close(writer);
}

TEST(CatalogFile, ManyMayOpenANewFileAtOnce) {
    const Folder folder;
    std::vector<std::thread> threads;
    std::vector<std::string> errors(8);
    for (std::size_t i = 0; i < errors.size(); ++i)
        threads.emplace_back([&, i] {
            auto catalog = Catalog::open(folder.file());
            if (!catalog) errors[i] = catalog.error().render();
            else if (auto put = (*catalog)->put_domain(domain_name(("d" + std::to_string(i)).c_str()), Uuid::random(), "x"); !put)
                errors[i] = put.error().render();
        });
    for (std::thread& thread : threads) thread.join();
    for (const std::string& error : errors) EXPECT_EQ(error, "");
    EXPECT_EQ((*Catalog::open(folder.file()))->domains()->size(), errors.size());
}

}  // namespace
}  // namespace stasis::catalog
