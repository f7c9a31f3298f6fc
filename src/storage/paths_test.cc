#include "storage/paths.h"

#include <gtest/gtest.h>

namespace stasis::storage {
namespace {

TEST(CheckPath, TakesAbsolutePathsOnly) {
    EXPECT_TRUE(check_path("test", "/images/a b,c:d.qcow2"));
    for (const std::string path : {"", "a.qcow2", "nbd:localhost:10809", "json:{\"driver\":\"nbd\"}", "./a", "/images/../etc/shadow",
                                   "/images/./a"}) {
        const auto checked = check_path("test", path);
        ASSERT_FALSE(checked) << path;
        EXPECT_EQ(checked.error().kind, ErrorKind::invalid);
    }
    EXPECT_FALSE(check_path("test", std::string("/a\0b", 4)));
    EXPECT_FALSE(check_path("test", "/" + std::string(1023, 'a')));
    EXPECT_TRUE(check_path("test", "/" + std::string(1022, 'a')));
}

TEST(ParentFolder, IsWhatStandsBeforeTheLastPart) {
    EXPECT_EQ(parent_folder("/a/b/c"), "/a/b");
    EXPECT_EQ(parent_folder("/a/b/"), "/a");
    EXPECT_EQ(parent_folder("/a"), "/");
    EXPECT_EQ(parent_folder("/"), "/");
}

// A2: names that a tool would take for a protocol.
TEST(ResolveBacking, FollowsPathsAndRefusesProtocols) {
    EXPECT_EQ(*resolve_backing("/images/top.qcow2", "/other/base.qcow2"), "/other/base.qcow2");
    EXPECT_EQ(*resolve_backing("/images/top.qcow2", "base.qcow2"), "/images/base.qcow2");
    EXPECT_EQ(*resolve_backing("/images/top.qcow2", "../etc/shadow"), "/etc/shadow");
    EXPECT_EQ(*resolve_backing("/images/top.qcow2", "/x/a:b"), "/x/a:b");
    for (const std::string name : {"nbd:localhost:1", "json:{\"file\":1}", "fd:3", "https://host/image", "host_device:/dev/sda"}) {
        const auto resolved = resolve_backing("/images/top.qcow2", name);
        ASSERT_FALSE(resolved) << name;
        EXPECT_EQ(resolved.error().kind, ErrorKind::unsupported);
    }
}

TEST(OptionValue, DoublesCommas) { EXPECT_EQ(option_value("/a,b,,c"), "/a,,b,,,,c"); }

}  // namespace
}  // namespace stasis::storage
