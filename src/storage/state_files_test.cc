#include "storage/state_files.h"

#include <gtest/gtest.h>

#include "storage/storage.h"
#include "storage/testing/real_images.h"

namespace stasis::storage {
namespace {

class StateFilesTest : public testing::Test {
protected:
    test::RealImages images_;
    PlainStateFiles files_{images_.files()};

    void put(const std::string& path, std::string_view text) {
        const auto file = images_.files().create(path);
        ASSERT_TRUE(file) << file.error().render();
        ASSERT_TRUE((*file)->write_at(0, std::as_bytes(std::span(text))));
    }
};

TEST_F(StateFilesTest, CopyIsCompletePrivateAndLeavesNoTemporaryFile) {
    std::string text(3'000'001, 'x');
    text.back() = 'y';
    put(images_.path("from"), text);
    ASSERT_TRUE(files_.copy_file(images_.path("from"), images_.path("to")));
    EXPECT_EQ(*seam::read_file(images_.files(), images_.path("to"), 4'000'000), text);
    EXPECT_EQ(images_.files().stat(images_.path("to"))->mode & 0777u, 0600u);
    EXPECT_FALSE(*files_.exists(images_.path("to.partial")));
}

TEST_F(StateFilesTest, CopyCanBeDoneAgainOverWhatACrashLeft) {
    put(images_.path("from"), "whole");
    put(images_.path("to.partial"), "who");
    ASSERT_TRUE(files_.copy_file(images_.path("from"), images_.path("to")));
    ASSERT_TRUE(files_.copy_file(images_.path("from"), images_.path("to")));
    EXPECT_EQ(*seam::read_file(images_.files(), images_.path("to"), 100), "whole");
}

TEST_F(StateFilesTest, CopyOfNothingLeavesNothing) {
    EXPECT_EQ(files_.copy_file(images_.path("none"), images_.path("to")).error().kind, ErrorKind::not_found);
    EXPECT_TRUE(images_.files().list_folder(images_.folder())->empty());
}

TEST_F(StateFilesTest, RelativePathsAreRefused) {
    EXPECT_EQ(files_.make_folder("a/b").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files_.remove_file("../a").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files_.remove_folder(images_.path("../a")).error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace stasis::storage
