// One suite that every body of FileSystem passes: what the header promises, no more.
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seam/posix/posix.h"
#include "seam/testing/faulty_file_system.h"
#include "seam/testing/memory_file_system.h"
#include "seam/testing/temp_folder.h"

namespace stasis::seam {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

struct PosixWorld {
    TempFolder folder;
    std::unique_ptr<FileSystem> files = make_posix_file_system();
    std::string root() const { return folder.path(); }
};

struct MemoryWorld {
    std::unique_ptr<MemoryFileSystem> files = std::make_unique<MemoryFileSystem>();
    MemoryWorld() { EXPECT_TRUE(files->make_folders("/world").has_value()); }
    std::string root() const { return "/world"; }
};

// A wrapper that injects nothing must not be noticed.
struct WrappedWorld {
    MemoryFileSystem inner;
    std::unique_ptr<FileSystem> files = std::make_unique<FaultyFileSystem>(inner);
    WrappedWorld() { EXPECT_TRUE(files->make_folders("/world").has_value()); }
    std::string root() const { return "/world"; }
};

template <class World>
class FileSystemTest : public ::testing::Test {
protected:
    World world;
    FileSystem& files = *world.files;
    std::string at(const std::string& name) const { return world.root() + "/" + name; }

    void write(const std::string& path, std::string_view text) {
        auto file = files.create(path);
        ASSERT_TRUE(file) << file.error().render();
        ASSERT_TRUE((*file)->write_at(0, std::as_bytes(std::span(text))));
    }
    std::string read(const std::string& path) {
        auto text = read_file(files, path, 1 << 20);
        return text ? *text : "error: " + text.error().render();
    }
};

using Worlds = ::testing::Types<PosixWorld, MemoryWorld, WrappedWorld>;
TYPED_TEST_SUITE(FileSystemTest, Worlds);

// "value", or the name of the error's kind.
template <class T>
std::string outcome(const Result<T>& result) {
    return result ? "value" : std::string(to_string(result.error().kind));
}

TYPED_TEST(FileSystemTest, a_new_file_is_private_and_its_name_taken) {
    this->write(this->at("a"), "one");
    const auto stat = this->files.stat(this->at("a"));
    ASSERT_TRUE(stat);
    EXPECT_TRUE(stat->is_file);
    EXPECT_FALSE(stat->is_folder);
    EXPECT_EQ(stat->mode, 0600u);
    EXPECT_EQ(stat->size_bytes, 3u);
    EXPECT_EQ(outcome(this->files.create(this->at("a"))), "exists");
    EXPECT_EQ(this->read(this->at("a")), "one");
}

TYPED_TEST(FileSystemTest, reads_and_writes_at_offsets) {
    auto file = this->files.create(this->at("a"));
    ASSERT_TRUE(file);
    const std::string_view text = "hello";
    ASSERT_TRUE((*file)->write_at(10, std::as_bytes(std::span(text))));
    EXPECT_EQ((*file)->size().value(), 15u);
    std::string buffer(8, '?');
    EXPECT_EQ((*file)->read_at(8, std::as_writable_bytes(std::span(buffer))).value(), 7u);
    EXPECT_EQ(buffer, std::string("\0\0hello?", 8));
    EXPECT_EQ((*file)->read_at(15, std::as_writable_bytes(std::span(buffer))).value(), 0u);
    EXPECT_EQ((*file)->read_at(1000, std::as_writable_bytes(std::span(buffer))).value(), 0u);
    EXPECT_TRUE((*file)->sync());
}

TYPED_TEST(FileSystemTest, a_handle_for_reading_does_not_write) {
    this->write(this->at("a"), "one");
    auto file = this->files.open_read(this->at("a"));
    ASSERT_TRUE(file);
    const std::string_view text = "two";
    EXPECT_FALSE((*file)->write_at(0, std::as_bytes(std::span(text))));
    EXPECT_EQ(this->read(this->at("a")), "one");
}

TYPED_TEST(FileSystemTest, names_what_is_missing) {
    EXPECT_EQ(outcome(this->files.open_read(this->at("no"))), "not_found");
    EXPECT_EQ(outcome(this->files.stat(this->at("no"))), "not_found");
    EXPECT_EQ(outcome(this->files.create(this->at("no/file"))), "not_found");
    EXPECT_EQ(outcome(this->files.remove_file(this->at("no"))), "not_found");
    EXPECT_EQ(outcome(this->files.remove_folder(this->at("no"))), "not_found");
    EXPECT_EQ(outcome(this->files.rename(this->at("no"), this->at("b"))), "not_found");
    EXPECT_EQ(outcome(this->files.sync_folder(this->at("no"))), "not_found");
    EXPECT_EQ(outcome(this->files.list_folder(this->at("no"))), "not_found");
    EXPECT_EQ(outcome(this->files.lock(this->at("no/lock"), "x", 0ms)), "not_found");
    EXPECT_FALSE(this->files.exists(this->at("no")).value());
    EXPECT_FALSE(this->files.exists(this->at("no/deeper")).value());
    EXPECT_THAT(this->files.open_read(this->at("no")).error().render(), HasSubstr(this->at("no")));
}

TYPED_TEST(FileSystemTest, refuses_paths_that_are_not_absolute_or_end_early) {
    const std::string cut = this->at("a") + std::string("\0b", 2);
    for (const auto& path : {std::string("relative"), std::string(), cut}) {
        EXPECT_EQ(outcome(this->files.create(path)), "invalid");
        EXPECT_EQ(outcome(this->files.open_read(path)), "invalid");
        EXPECT_EQ(outcome(this->files.exists(path)), "invalid");
        EXPECT_EQ(outcome(this->files.make_folders(path)), "invalid");
        EXPECT_EQ(outcome(this->files.remove_file(path)), "invalid");
        EXPECT_EQ(outcome(this->files.rename(path, this->at("a"))), "invalid");
    }
}

TYPED_TEST(FileSystemTest, folders_are_made_with_their_parents_and_private) {
    EXPECT_EQ(this->files.make_folders(this->at("x/y/z")).value(), true);
    EXPECT_EQ(this->files.make_folders(this->at("x/y/z")).value(), false);
    EXPECT_EQ(this->files.make_folders(this->at("x/y/w/")).value(), true);
    EXPECT_EQ(this->files.make_folders("/").value(), false);
    for (const auto* name : {"x", "x/y", "x/y/z"}) {
        EXPECT_EQ(this->files.stat(this->at(name))->mode, 0700u) << name;
        EXPECT_TRUE(this->files.stat(this->at(name))->is_folder) << name;
    }
    this->write(this->at("file"), "");
    EXPECT_EQ(outcome(this->files.make_folders(this->at("file"))), "exists");
    EXPECT_EQ(outcome(this->files.make_folders(this->at("file/below"))), "exists");
    EXPECT_EQ(outcome(this->files.open_read(this->at("x"))), "invalid");
}

TYPED_TEST(FileSystemTest, lists_names_in_order) {
    this->write(this->at("b"), "");
    this->write(this->at("a"), "");
    ASSERT_TRUE(this->files.make_folders(this->at("c")));
    EXPECT_THAT(this->files.list_folder(this->world.root()).value(), ElementsAre("a", "b", "c"));
    EXPECT_THAT(this->files.list_folder(this->at("c")).value(), IsEmpty());
    EXPECT_EQ(outcome(this->files.list_folder(this->at("a"))), "failed");
}

TYPED_TEST(FileSystemTest, removes_files_and_empty_folders_only) {
    ASSERT_TRUE(this->files.make_folders(this->at("x")));
    this->write(this->at("x/a"), "");
    EXPECT_EQ(outcome(this->files.remove_folder(this->at("x"))), "busy");
    EXPECT_EQ(outcome(this->files.remove_file(this->at("x"))), "failed");
    EXPECT_TRUE(this->files.remove_file(this->at("x/a")));
    EXPECT_TRUE(this->files.remove_folder(this->at("x")));
    EXPECT_FALSE(this->files.exists(this->at("x")).value());
}

TYPED_TEST(FileSystemTest, a_rename_replaces_and_an_open_handle_stays_valid) {
    this->write(this->at("old"), "old");
    this->write(this->at("new"), "new");
    auto old = this->files.open_read(this->at("old"));
    ASSERT_TRUE(old);
    ASSERT_TRUE(this->files.rename(this->at("new"), this->at("old")));
    EXPECT_EQ(this->read(this->at("old")), "new");
    EXPECT_FALSE(this->files.exists(this->at("new")).value());
    std::string buffer(3, '?');
    EXPECT_EQ((*old)->read_at(0, std::as_writable_bytes(std::span(buffer))).value(), 3u);
    EXPECT_EQ(buffer, "old");
}

TYPED_TEST(FileSystemTest, a_rename_does_not_replace_a_folder_by_a_file) {
    ASSERT_TRUE(this->files.make_folders(this->at("folder")));
    this->write(this->at("file"), "x");
    EXPECT_FALSE(this->files.rename(this->at("file"), this->at("folder")));
    EXPECT_FALSE(this->files.rename(this->at("folder"), this->at("file")));
    EXPECT_EQ(this->read(this->at("file")), "x");
}

TYPED_TEST(FileSystemTest, every_change_shows_in_the_time_of_the_file) {
    this->write(this->at("a"), "one");
    const auto before = this->files.stat(this->at("a"));
    this->write(this->at("b"), "two");
    const auto other = this->files.stat(this->at("b"));
    ASSERT_TRUE(before && other);
    EXPECT_NE(before->inode, other->inode);
    EXPECT_GE(other->modified_ns, before->modified_ns);
}

TYPED_TEST(FileSystemTest, free_space_is_that_of_the_nearest_folder) {
    const auto here = this->files.free_bytes(this->world.root());
    ASSERT_TRUE(here);
    EXPECT_GT(*here, 0u);
    EXPECT_TRUE(this->files.free_bytes(this->at("not/yet/made")));
}

TYPED_TEST(FileSystemTest, a_lock_excludes_a_second_handle_and_names_its_holder) {
    auto lock = this->files.lock(this->at("lock"), "snapshot-create web", 0ms);
    ASSERT_TRUE(lock) << lock.error().render();
    EXPECT_EQ(this->files.stat(this->at("lock"))->mode, 0600u);
    const auto second = this->files.lock(this->at("lock"), "destroy web", 30ms);
    ASSERT_EQ(outcome(second), "busy");
    EXPECT_THAT(second.error().why, HasSubstr("snapshot-create web"));
    lock->reset();
    EXPECT_TRUE(this->files.lock(this->at("lock"), "destroy web", 0ms));
}

TYPED_TEST(FileSystemTest, a_lock_is_waited_for) {
    auto lock = this->files.lock(this->at("lock"), "first", 0ms);
    ASSERT_TRUE(lock);
    auto waiter = std::async(std::launch::async, [&] { return this->files.lock(this->at("lock"), "second", 10s); });
    EXPECT_EQ(waiter.wait_for(50ms), std::future_status::timeout);
    lock->reset();
    EXPECT_TRUE(waiter.get());
}

TYPED_TEST(FileSystemTest, read_file_keeps_to_its_limit) {
    this->write(this->at("a"), "12345");
    EXPECT_EQ(read_file(this->files, this->at("a"), 5).value(), "12345");
    EXPECT_EQ(outcome(read_file(this->files, this->at("a"), 4)), "invalid");
    EXPECT_EQ(outcome(read_file(this->files, this->at("no"), 4)), "not_found");
}

TYPED_TEST(FileSystemTest, replace_file_makes_or_replaces_and_leaves_nothing_else) {
    ASSERT_TRUE(replace_file(this->files, this->at("a"), "one"));
    ASSERT_TRUE(replace_file(this->files, this->at("a"), "two"));
    EXPECT_EQ(this->read(this->at("a")), "two");
    EXPECT_EQ(this->files.stat(this->at("a"))->mode, 0600u);
    EXPECT_THAT(this->files.list_folder(this->world.root()).value(), ElementsAre("a"));
    this->write(this->at("b.new"), "left behind by a process that was killed");
    EXPECT_TRUE(replace_file(this->files, this->at("b"), "three"));
    EXPECT_EQ(this->read(this->at("b")), "three");
    EXPECT_EQ(outcome(replace_file(this->files, this->at("no/a"), "x")), "not_found");
}

}  // namespace
}  // namespace stasis::seam
