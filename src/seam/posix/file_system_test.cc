// What only the real file system can do wrong: links, pipes, the umask, and other processes.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/undo.h"
#include "base/unique_fd.h"
#include "seam/posix/posix.h"
#include "seam/testing/temp_folder.h"

namespace stasis::seam {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using namespace std::chrono_literals;

class PosixFileSystemTest : public ::testing::Test {
protected:
    TempFolder folder;
    std::unique_ptr<FileSystem> files = make_posix_file_system();
    std::string at(const std::string& name) const { return folder.at(name); }
};

template <class T>
std::string outcome(const Result<T>& result) {
    return result ? "value" : std::string(to_string(result.error().kind));
}

TEST_F(PosixFileSystemTest, modes_do_not_depend_on_the_umask) {
    for (const ::mode_t mask : {0u, 0777u}) {
        const auto before = ::umask(mask);
        const Undo restore([&] { ::umask(before); });
        const auto suffix = std::to_string(mask);
        ASSERT_TRUE(files->make_folders(at("folder" + suffix + "/below")));
        ASSERT_TRUE(files->create(at("file" + suffix)));
        ASSERT_TRUE(files->lock(at("lock" + suffix), "x", 0ms));
        EXPECT_EQ(files->stat(at("folder" + suffix))->mode, 0700u);
        EXPECT_EQ(files->stat(at("folder" + suffix + "/below"))->mode, 0700u);
        EXPECT_EQ(files->stat(at("file" + suffix))->mode, 0600u);
        EXPECT_EQ(files->stat(at("lock" + suffix))->mode, 0600u);
    }
}

TEST_F(PosixFileSystemTest, planted_symlinks_are_not_followed_when_creating) {
    ASSERT_EQ(::symlink(at("victim").c_str(), at("link").c_str()), 0);
    EXPECT_EQ(outcome(files->create(at("link"))), "exists");
    EXPECT_EQ(outcome(files->lock(at("link"), "x", 0ms)), "failed");
    EXPECT_TRUE(files->exists(at("link")).value()) << "the name is taken";
    EXPECT_FALSE(files->exists(at("victim")).value());
    EXPECT_EQ(outcome(files->stat(at("link"))), "not_found");
}

TEST_F(PosixFileSystemTest, replace_file_replaces_a_symlink_and_not_its_target) {
    ASSERT_TRUE(replace_file(*files, at("victim"), "precious"));
    ASSERT_EQ(::symlink(at("victim").c_str(), at("link").c_str()), 0);
    ASSERT_EQ(::symlink(at("victim").c_str(), at("link.new").c_str()), 0);
    ASSERT_TRUE(replace_file(*files, at("link"), "new"));
    EXPECT_EQ(read_file(*files, at("victim"), 100).value(), "precious");
    EXPECT_EQ(read_file(*files, at("link"), 100).value(), "new");
}

TEST_F(PosixFileSystemTest, a_pipe_in_the_way_is_refused_at_once) {
    ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
    EXPECT_EQ(outcome(files->open_read(at("pipe"))), "invalid");
}

TEST_F(PosixFileSystemTest, descriptors_are_closed_on_exec) {
    const auto file = files->create(at("a"));
    const auto lock = files->lock(at("lock"), "x", 0ms);
    ASSERT_TRUE(file && lock);
    int checked = 0;
    for (int descriptor = 3; descriptor < 64; ++descriptor) {
        const auto target = files->stat("/proc/self/fd/" + std::to_string(descriptor));
        const bool ours = target && (target->inode == files->stat(at("a"))->inode ||
                                     target->inode == files->stat(at("lock"))->inode);
        if (!ours) continue;
        EXPECT_EQ(::fcntl(descriptor, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        ++checked;
    }
    EXPECT_EQ(checked, 2);
}

TEST_F(PosixFileSystemTest, allocated_bytes_tell_a_sparse_file) {
    auto file = files->create(at("sparse"));
    ASSERT_TRUE(file);
    const std::byte last{1};
    ASSERT_TRUE((*file)->write_at((64 << 20) - 1, {&last, 1}));
    ASSERT_TRUE((*file)->sync());
    const auto stat = files->stat(at("sparse"));
    EXPECT_EQ(stat->size_bytes, 64u << 20);
    EXPECT_LT(stat->allocated_bytes, 1u << 20);
    EXPECT_EQ(stat->owner, ::geteuid());
}

TEST_F(PosixFileSystemTest, an_offset_past_what_files_can_have_is_an_error) {
    auto file = files->create(at("a"));
    ASSERT_TRUE(file);
    const std::byte one{1};
    EXPECT_FALSE((*file)->write_at(1ull << 63, {&one, 1}));
    EXPECT_EQ((*file)->size().value(), 0u);
}

TEST_F(PosixFileSystemTest, a_lock_is_a_plain_file_or_nothing) {
    ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
    EXPECT_EQ(outcome(files->lock(at("pipe"), "x", 0ms)), "invalid");
    EXPECT_EQ(outcome(files->lock("/dev/null", "x", 0ms)), "invalid");
    EXPECT_EQ(outcome(files->lock(folder.path(), "x", 0ms)), "failed");
}

// Holds the lock in another process until its input closes.
struct OtherHolder {
    UniqueFd release;
    ::pid_t pid = -1;

    explicit OtherHolder(const std::string& path) {
        int go[2];
        int ready[2];
        EXPECT_EQ(::pipe2(go, O_CLOEXEC), 0);
        EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
        pid = ::fork();
        if (pid == 0) {
            ::close(go[1]);
            const auto lock = make_posix_file_system()->lock(path, "other command", 0ms);
            char byte = lock ? 'y' : 'n';
            (void)!::write(ready[1], &byte, 1);
            (void)!::read(go[0], &byte, 1);
            ::_exit(0);  // without destructors, as a killed process would
        }
        ::close(go[0]);
        ::close(ready[1]);
        release.reset(go[1]);
        char byte = 0;
        EXPECT_EQ(::read(ready[0], &byte, 1), 1);
        EXPECT_EQ(byte, 'y');
        ::close(ready[0]);
    }
    ~OtherHolder() {
        release.reset();
        ::waitpid(pid, nullptr, 0);
    }
};

TEST_F(PosixFileSystemTest, a_lock_of_another_process_names_it_and_ends_with_it) {
    {
        const OtherHolder holder(at("lock"));
        const auto refused = files->lock(at("lock"), "mine", 0ms);
        ASSERT_EQ(outcome(refused), "busy");
        EXPECT_THAT(refused.error().why,
                    MatchesRegex("held by 'other command' \\(process " + std::to_string(holder.pid) +
                                 ", since 20..-..-..T..:..:..Z\\)"));
    }
    EXPECT_TRUE(files->lock(at("lock"), "mine", 0ms));
}

TEST_F(PosixFileSystemTest, a_lock_file_that_was_removed_excludes_nobody_falsely) {
    auto first = files->lock(at("lock"), "first", 0ms);
    ASSERT_TRUE(first);
    ASSERT_TRUE(files->remove_file(at("lock")));
    EXPECT_TRUE(files->lock(at("lock"), "second", 0ms)) << "a new file of that name is a new lock";
}

TEST_F(PosixFileSystemTest, the_text_of_a_lock_is_gone_with_it) {
    files->lock(at("lock"), "first", 0ms).value().reset();
    EXPECT_EQ(read_file(*files, at("lock"), 1000).value(), "");
}

}  // namespace
}  // namespace stasis::seam
