#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/snapshot_config.h"

namespace stasis::model {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

SnapshotCreateOptions merged(std::string_view text, SnapshotCreateOptions options = {}, const std::string& source = "snap.cfg") {
    auto result = merge_snapshot_config(text, source, std::move(options));
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().render());
    return result ? *std::move(result) : SnapshotCreateOptions{};
}

std::string refusal_of(std::string_view text) {
    const auto result = merge_snapshot_config(text, "snap.cfg", {});
    return result ? "accepted" : result.error().render();
}

DiskRequest request(const char* target, std::optional<DiskMode> mode, const char* path, const char* format) {
    return {*DiskTarget::parse(target), mode, path, format};
}
bool same(const DiskRequest& a, const DiskRequest& b) {
    return a.target == b.target && a.mode == b.mode && a.path == b.path && a.format == b.format;
}

TEST(SnapshotConfig, ReadsEverySetting) {
    const auto options = merged("name=\"a\"\ndescription='before it'\nmemory=1\nmemory_path=\"/m.save\"\n"
                                "disks=['/d/o.qcow2,qcow2,vda', ',,vdb', 'target=vdc,mode=internal', 'mode=no,target=vdd', 'path=/p,target=vde']\n");
    EXPECT_EQ(options.name->str(), "a");
    EXPECT_EQ(options.description, "before it");
    EXPECT_FALSE(options.disk_only);
    EXPECT_EQ(options.memory_path, "/m.save");
    ASSERT_THAT(options.disks, SizeIs(5));
    EXPECT_TRUE(same(options.disks[0], request("vda", DiskMode::external, "/d/o.qcow2", "qcow2")));
    EXPECT_TRUE(same(options.disks[1], request("vdb", std::nullopt, "", "")));
    EXPECT_TRUE(same(options.disks[2], request("vdc", DiskMode::internal, "", "")));
    EXPECT_TRUE(same(options.disks[3], request("vdd", DiskMode::no, "", "")));
    EXPECT_TRUE(same(options.disks[4], request("vde", DiskMode::external, "/p", "")));
}

TEST(SnapshotConfig, TheFileWinsAndLeavesTheRest) {
    SnapshotCreateOptions given;
    given.name = *SnapshotName::parse("old");
    given.description = "old";
    given.disk_only = true;
    given.live = true;
    given.disks = {request("vda", DiskMode::internal, "", ""), request("vdb", DiskMode::internal, "", "")};
    const auto options = merged("name='new'\nmemory=1\ndisks=['/n,,vda']", given);
    EXPECT_EQ(options.name->str(), "new");
    EXPECT_EQ(options.description, "old");
    EXPECT_FALSE(options.disk_only);
    EXPECT_TRUE(options.live);
    ASSERT_THAT(options.disks, SizeIs(2));
    EXPECT_TRUE(same(options.disks[0], request("vda", DiskMode::external, "/n", "")));
    EXPECT_TRUE(same(options.disks[1], request("vdb", DiskMode::internal, "", "")));
    EXPECT_EQ(merged("", given).disk_only, true);
}

TEST(SnapshotConfig, SettlesMemory) {
    SnapshotCreateOptions given;
    given.memory_path = "/given";
    EXPECT_TRUE(merged("memory=0", given).disk_only);
    EXPECT_EQ(merged("memory=0", given).memory_path, "");
    given.disk_only = true;
    EXPECT_FALSE(merged("memory_path='/m'", given).disk_only) << "a place for memory asks for memory";
    EXPECT_THAT(refusal_of("memory=0\nmemory_path='/m'"), HasSubstr("memory=0"));
    EXPECT_THAT(refusal_of("memory_path='/m'\nmemory=0"), HasSubstr("memory=0")) << "in either order";
}

TEST(SnapshotConfig, RelativePathsStandBesideTheFile) {
    const auto options = merged("memory_path='m.save'\ndisks=['./o.qcow2,,vda']", {}, "/conf/snap.cfg");
    EXPECT_EQ(options.memory_path, "/conf/m.save");
    EXPECT_EQ(options.disks[0].path, "/conf/o.qcow2");
    EXPECT_THAT(refusal_of("memory_path='m.save'"), HasSubstr("is relative"));
}

TEST(SnapshotConfig, RefusesWithLineAndColumn) {
    EXPECT_THAT(refusal_of("name='a'\n colour='blue'"), testing::AllOf(HasSubstr("line 2, column 2"), HasSubstr("'colour' is no setting")));
    for (const auto& [text, why] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"name='../a'", "no snapshot name"}, {"memory=2", "neither 0 nor 1"}, {"memory='yes'", "no whole number"}, {"disks='x'", "is no list"},
             {"name=['a']", "is a list"}, {"disks=['/p']", "no target"}, {"disks=['/p,raw,vda']", "format 'raw'"}, {"disks=['/p,,vda,x']", "one part too many"},
             {"disks=['target=vda,target=vdb']", "given twice"}, {"disks=['target=vda,size=1']", "'size' is unknown"},
             {"disks=['target=vda,mode=maybe']", "mode 'maybe'"}, {"disks=['/p,,vda,mode=internal']", "external snapshot only"},
             {"disks=[',,vda', ',,vda']", "a second time"}, {"disks=[',,../x']", "no target"}})
        EXPECT_THAT(refusal_of(text), HasSubstr(why)) << text;
}

}  // namespace
}  // namespace stasis::model
