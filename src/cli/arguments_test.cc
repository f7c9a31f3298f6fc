#include "cli/arguments.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/test_host.h"

namespace stasis::cli {
namespace {

class Arguments : public ::testing::Test {
protected:
    testing::TestProgram program;
    const Environment& environment = program.environment;
};

TEST_F(Arguments, PathsAreSeenFromTheCurrentFolder) {
    EXPECT_EQ(absolute_path(environment, "a/b"), "/cwd/a/b");
    EXPECT_EQ(absolute_path(environment, "./a//b/"), "/cwd/a/b");
    EXPECT_EQ(absolute_path(environment, "/x/./y/"), "/x/y");
    EXPECT_EQ(absolute_path(environment, "."), "/cwd");
    EXPECT_EQ(absolute_path(environment, "/"), "/");
    EXPECT_EQ(absolute_path(environment, ""), "");
}

TEST_F(Arguments, DotDotStaysBecauseALinkMayStandBeforeIt) { EXPECT_EQ(absolute_path(environment, "link/../x"), "/cwd/link/../x"); }

TEST_F(Arguments, ARelativePathNeedsACurrentFolder) {
    program.environment.folder.clear();
    ASSERT_FALSE(absolute_path(environment, "a"));
    EXPECT_EQ(absolute_path(environment, "/a"), "/a");
}

TEST_F(Arguments, DefineDiskReadsEverySetting) {
    const auto disk = parse_define_disk(environment, "vdb=d.raw,format=raw,bus=sata,readonly,serial=S1,cache=none,discard=unmap");
    ASSERT_TRUE(disk) << disk.error().render();
    EXPECT_EQ(disk->target, "vdb");
    EXPECT_EQ(disk->path, "/cwd/d.raw");
    EXPECT_EQ(disk->format, "raw");
    EXPECT_EQ(disk->bus, "sata");
    EXPECT_TRUE(disk->read_only);
    EXPECT_EQ(disk->serial, "S1");
    EXPECT_EQ(disk->cache, "none");
    EXPECT_EQ(disk->discard, "unmap");
}

TEST_F(Arguments, DefineDiskHasTheHeadersDefaults) {
    const auto disk = parse_define_disk(environment, "vda=/w.qcow2");
    ASSERT_TRUE(disk);
    EXPECT_EQ(disk->format, "qcow2");
    EXPECT_EQ(disk->bus, "virtio");
    EXPECT_FALSE(disk->read_only);
}

TEST_F(Arguments, ADoubledCommaAndALaterEqualsSignBelongToThePath) {
    const auto disk = parse_define_disk(environment, "vda=/a,,b=c.qcow2,bus=ide");
    ASSERT_TRUE(disk);
    EXPECT_EQ(disk->path, "/a,b=c.qcow2");
    EXPECT_EQ(disk->bus, "ide");
}

TEST_F(Arguments, DefineDiskRefusesWhatItDoesNotKnow) {
    for (const char* text : {"", "vda", "vda=", "=x", "vda=x,frob=1", "vda=x,format", "vda=x,format=", "vda=x,readonly=yes", "vda=x,"}) {
        const auto disk = parse_define_disk(environment, text);
        ASSERT_FALSE(disk) << text;
        EXPECT_EQ(disk.error().kind, ErrorKind::invalid) << text;
        EXPECT_FALSE(disk.error().next.empty()) << text;
    }
}

TEST_F(Arguments, DiskRequest) {
    const auto request = parse_disk_request(environment, "vda=external,path=o.qcow2,format=qcow2");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->target.str(), "vda");
    EXPECT_EQ(request->mode, DiskMode::external);
    EXPECT_EQ(request->path, "/cwd/o.qcow2");
    EXPECT_EQ(request->format, "qcow2");
    for (const char* text : {"", "vda", "vda=maybe", "VDA=no", "vda=no,bus=ide", "vda=no,path"})
        EXPECT_FALSE(parse_disk_request(environment, text)) << text;
}

TEST_F(Arguments, SerialPathsAreMadeAbsolute) {
    EXPECT_EQ(parse_serial(environment, "pty"), "pty");
    EXPECT_EQ(parse_serial(environment, "file:log"), "file:/cwd/log");
    EXPECT_EQ(parse_serial(environment, "unix:/run/s"), "unix:/run/s");
    EXPECT_EQ(parse_serial(environment, ""), "");
}

TEST_F(Arguments, ADocumentIsReadWholeAndLimited) {
    const auto folder = std::filesystem::path(::testing::TempDir()) / "stasis_cli_arguments";
    std::filesystem::create_directories(folder);
    const std::string path = folder / "d.xml";
    std::ofstream(path) << std::string(100'000, 'x');
    EXPECT_EQ(read_document(path).value_or("").size(), 100'000U);
    EXPECT_EQ(read_document(folder / "none").error().kind, ErrorKind::not_found);
    EXPECT_FALSE(read_document(folder));  // a folder opens but cannot be read
    const auto endless = read_document("/dev/zero");
    ASSERT_FALSE(endless);
    EXPECT_EQ(endless.error().kind, ErrorKind::invalid);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace stasis::cli
