// What every body of port::StateFiles must do.
#include <gtest/gtest.h>

#include "subject.h"

namespace stasis::conformance {
namespace {

class StateFilesSuite : public testing::Test {
protected:
    std::unique_ptr<StorageSubject> subject_ = make_storage();
    port::StateFiles& files_ = subject_->files();
    std::string path(const std::string& name) { return subject_->path(name); }
};

TEST_F(StateFilesSuite, MakesFoldersAndTellsWhetherItWasNow) {
    EXPECT_FALSE(*files_.exists(path("a/b/c")));
    EXPECT_TRUE(*files_.make_folder(path("a/b/c")));
    EXPECT_FALSE(*files_.make_folder(path("a/b/c")));
    EXPECT_TRUE(*files_.exists(path("a/b/c")));
}

TEST_F(StateFilesSuite, RemovesEmptyFoldersOnly) {
    ASSERT_TRUE(files_.make_folder(path("full")));
    ASSERT_TRUE(subject_->put_file(path("full/file"), "x"));
    EXPECT_TRUE(files_.remove_folder(path("full")));
    EXPECT_TRUE(*files_.exists(path("full")));
    EXPECT_EQ(subject_->file_text(path("full/file")), "x");
    EXPECT_TRUE(files_.remove_file(path("full/file")));
    EXPECT_TRUE(files_.remove_folder(path("full")));
    EXPECT_FALSE(*files_.exists(path("full")));
    EXPECT_TRUE(files_.remove_folder(path("full")));
    EXPECT_TRUE(*files_.make_folder(path("full")));
}

TEST_F(StateFilesSuite, RemovesFilesAndDoesNotMindWhenTheyAreGone) {
    ASSERT_TRUE(files_.make_folder(path("d")));
    ASSERT_TRUE(subject_->put_file(path("d/file"), "x"));
    EXPECT_TRUE(*files_.exists(path("d/file")));
    EXPECT_TRUE(files_.remove_file(path("d/file")));
    EXPECT_FALSE(*files_.exists(path("d/file")));
    EXPECT_TRUE(files_.remove_file(path("d/file")));
    EXPECT_TRUE(files_.remove_file(path("no-folder/file")));
}

TEST_F(StateFilesSuite, CopiesAndCanCopyAgain) {
    ASSERT_TRUE(subject_->put_file(path("from"), "first"));
    ASSERT_TRUE(files_.copy_file(path("from"), path("to")));
    EXPECT_EQ(subject_->file_text(path("to")), "first");
    ASSERT_TRUE(files_.copy_file(path("from"), path("to")));
    EXPECT_EQ(subject_->file_text(path("to")), "first");
    EXPECT_EQ(subject_->file_text(path("from")), "first");
}

TEST_F(StateFilesSuite, CopyOfAMissingFileLeavesNothing) {
    EXPECT_EQ(files_.copy_file(path("missing"), path("to")).error().kind, ErrorKind::not_found);
    EXPECT_FALSE(*files_.exists(path("to")));
}

TEST_F(StateFilesSuite, FreeBytesOfAFolderThatIsNotThereYet) {
    const auto free = files_.free_bytes(path("not/yet/there"));
    ASSERT_TRUE(free) << free.error().render();
    EXPECT_GT(*free, 0u);
}

TEST_F(StateFilesSuite, RelativePathsAreInvalid) {
    EXPECT_EQ(files_.make_folder("a").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files_.remove_file("a").error().kind, ErrorKind::invalid);
    EXPECT_EQ(files_.exists("a").error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace stasis::conformance
