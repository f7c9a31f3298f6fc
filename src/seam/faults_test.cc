// What the twins for tests promise: memory of what was synced, and faults where they were asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seam/testing/faulty_file_system.h"
#include "seam/testing/manual_clock.h"
#include "seam/testing/memory_file_system.h"

namespace stasis::seam {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::unique_ptr<File> created(FileSystem& files, const std::string& path, std::string_view text) {
    auto file = files.create(path);
    EXPECT_TRUE(file && (*file)->write_at(0, bytes_of(text)));
    return std::move(file).value();
}

TEST(PowerLoss, takes_what_was_not_synced) {
    MemoryFileSystem files;
    auto file = created(files, "/a", "one");
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(files.sync_folder("/"));
    ASSERT_TRUE(file->write_at(0, bytes_of("two")));
    files.lose_power();
    EXPECT_EQ(files.content("/a"), "one");
}

TEST(PowerLoss, takes_a_synced_file_whose_folder_was_not) {
    MemoryFileSystem files;
    ASSERT_TRUE(created(files, "/a", "one")->sync());
    files.lose_power();
    EXPECT_THAT(files.tree(), IsEmpty());
}

TEST(PowerLoss, leaves_an_empty_file_where_only_the_folder_was_synced) {
    MemoryFileSystem files;
    created(files, "/a", "one");
    ASSERT_TRUE(files.sync_folder("/"));
    files.lose_power();
    EXPECT_EQ(files.content("/a"), "");
}

TEST(PowerLoss, undoes_renames_and_removals_that_were_not_synced) {
    MemoryFileSystem files;
    files.put("/x/a", "one");
    files.put("/x/b", "two");
    ASSERT_TRUE(files.rename("/x/a", "/x/b"));
    files.lose_power();
    EXPECT_EQ(files.content("/x/a"), "one");
    EXPECT_EQ(files.content("/x/b"), "two");
    ASSERT_TRUE(files.rename("/x/a", "/x/b"));
    ASSERT_TRUE(files.sync_folder("/x"));
    files.lose_power();
    EXPECT_THAT(files.tree(), ElementsAre("/x/", "/x/b"));
    EXPECT_EQ(files.content("/x/b"), "one");
    ASSERT_TRUE(files.remove_file("/x/b"));
    files.lose_power();
    EXPECT_EQ(files.content("/x/b"), "one");
}

TEST(PowerLoss, folders_that_make_folders_made_are_durable) {
    MemoryFileSystem files;
    ASSERT_TRUE(files.make_folders("/x/y"));
    files.lose_power();
    EXPECT_THAT(files.tree(), ElementsAre("/x/", "/x/y/"));
}

TEST(PowerLoss, frees_locks_and_an_old_lock_does_not_free_a_new_one) {
    MemoryFileSystem files;
    files.put("/lock", "");
    auto old = files.lock("/lock", "old", 0ms);
    ASSERT_TRUE(old);
    files.lose_power();
    auto anew = files.lock("/lock", "new", 0ms);
    ASSERT_TRUE(anew);
    old->reset();
    EXPECT_FALSE(files.lock("/lock", "third", 0ms));
}

TEST(MemoryFileSystem, keeps_to_its_capacity_and_gets_space_back) {
    MemoryFileSystem files;
    files.set_capacity(10);
    auto file = created(files, "/a", "12345678");
    EXPECT_EQ(files.free_bytes("/").value(), 2u);
    const auto result = file->write_at(8, bytes_of("90ab"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::no_space);
    EXPECT_EQ(files.content("/a"), "1234567890");
    ASSERT_TRUE(files.remove_file("/a"));
    EXPECT_EQ(files.free_bytes("/").value(), 10u);
}

TEST(MemoryFileSystem, does_not_let_unreadable_files_be_read) {
    MemoryFileSystem files;
    files.put("/a", "x", 0000);
    const auto file = files.open_read("/a");
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().kind, ErrorKind::denied);
}

TEST(FaultyFileSystem, fails_the_operation_it_was_told_to_and_no_other) {
    MemoryFileSystem inner;
    FaultyFileSystem files(inner);
    files.fail_at(2, ErrorKind::denied);
    ASSERT_TRUE(files.create("/a"));
    const auto second = files.create("/b");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::denied);
    ASSERT_TRUE(files.create("/c"));
    EXPECT_THAT(inner.tree(), ElementsAre("/a", "/c"));
    EXPECT_THAT(files.operations(), ElementsAre("create /a", "create /b", "create /c"));
}

TEST(FaultyFileSystem, runs_out_of_space_in_the_middle_of_a_write) {
    MemoryFileSystem inner;
    FaultyFileSystem files(inner);
    files.limit_space(5);
    auto file = files.create("/a");
    ASSERT_TRUE(file && (*file)->write_at(0, bytes_of("123")));
    const auto result = (*file)->write_at(3, bytes_of("456"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::no_space);
    EXPECT_EQ(inner.content("/a"), "12345");
}

TEST(FaultyFileSystem, after_a_power_cut_nothing_has_an_effect) {
    MemoryFileSystem inner;
    inner.put("/a", "x");
    FaultyFileSystem files(inner);
    files.cut_power_at(1);
    EXPECT_FALSE(files.remove_file("/a"));
    EXPECT_FALSE(files.create("/b"));
    EXPECT_THAT(inner.tree(), ElementsAre("/a"));
}

// The promise of replace_file: whatever fails or whenever the power goes, the file has its old or its new content.
TEST(ReplaceFile, is_all_or_nothing_at_every_operation) {
    for (const bool power : {false, true}) {
        bool completed = false;
        for (std::uint64_t number = 1; !completed; ++number) {
            MemoryFileSystem inner;
            inner.put("/x/a", "old");
            FaultyFileSystem files(inner);
            power ? files.cut_power_at(number) : files.fail_at(number, ErrorKind::failed);
            completed = replace_file(files, "/x/a", "new").has_value();
            if (power) inner.lose_power();
            const auto content = inner.content("/x/a");
            EXPECT_TRUE(content == "new" || (content == "old" && !completed)) << "operation " << number << ": " << content;
            if (!power) {
                EXPECT_THAT(inner.tree(), ElementsAre("/x/", "/x/a")) << "operation " << number;
            }
            ASSERT_LT(number, 20u);
        }
    }
}

TEST(ManualClock, moves_only_when_told) {
    ManualClock clock({1000});
    EXPECT_EQ(clock.now().value, 1000);
    clock.sleep(2ms);
    EXPECT_EQ(clock.now().value, 3000);
    EXPECT_EQ(clock.steady(), 2ms);
    clock.set({5});
    EXPECT_EQ(clock.now().value, 5);
    EXPECT_EQ(clock.steady(), 2ms);
}

}  // namespace
}  // namespace stasis::seam
