#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/xml/element.h"
#include "model/xml/snapshot_xml.h"

namespace stasis::model {
namespace {

SnapshotInfo info_of() {
    SnapshotInfo info;
    info.name = *SnapshotName::parse("before upgrade");
    info.domain = *DomainName::parse("web");
    info.domain_uuid = *Uuid::parse("6695eb01-f6a4-8304-79aa-97f2502e193f");
    info.parent = *SnapshotName::parse("clean");
    info.state = SnapshotState::running;
    info.created = UnixMicros{1'700'000'000'999'999};
    info.description = "a < b & \"c\"";
    info.memory_method = MemoryMethod::background;
    info.memory_file = "/s/before upgrade.save";
    info.disks = {{*DiskTarget::parse("vda"), DiskMode::external, "/s/vda_before.qcow2", "qcow2", ""},
                  {*DiskTarget::parse("vdb"), DiskMode::internal, "/i/data.qcow2", "qcow2", "before upgrade"},
                  {*DiskTarget::parse("vdc"), DiskMode::no, "", "", ""}};
    return info;
}

constexpr std::string_view kDomain = "<domain type='kvm'>\n  <name>web</name>\n</domain>\n";

TEST(SnapshotXml, WritesLibvirtsElementsInItsOrder) {
    EXPECT_EQ(snapshot_to_xml(info_of(), std::string(kDomain)), R"(<domainsnapshot>
  <name>before upgrade</name>
  <description>a &lt; b &amp; "c"</description>
  <state>running</state>
  <parent>
    <name>clean</name>
  </parent>
  <creationTime>1700000000</creationTime>
  <memory snapshot="external" file="/s/before upgrade.save"/>
  <disks>
    <disk name="vda" snapshot="external" type="file">
      <driver type="qcow2"/>
      <source file="/s/vda_before.qcow2"/>
    </disk>
    <disk name="vdb" snapshot="internal"/>
    <disk name="vdc" snapshot="no"/>
  </disks>
  <domain type="kvm">
    <name>web</name>
  </domain>
</domainsnapshot>
)");
}

TEST(SnapshotXml, LeavesOutWhatThereIsNot) {
    SnapshotInfo info = info_of();
    info.parent.reset();
    info.description.clear();
    info.disks.clear();
    info.memory_method = MemoryMethod::none;
    info.state = SnapshotState::disk_snapshot;
    const auto text = snapshot_to_xml(info, std::string(kDomain));
    for (const auto* absent : {"<parent>", "<description>", "<disks>", "file="}) EXPECT_THAT(text, testing::Not(testing::HasSubstr(absent)));
    EXPECT_THAT(text, testing::HasSubstr("<memory snapshot=\"no\"/>"));
    EXPECT_THAT(text, testing::HasSubstr("<state>disk-snapshot</state>"));
}

TEST(SnapshotXml, IsAlwaysWellFormed) {
    SnapshotInfo info = info_of();
    info.description = "bell \x07, torn \xC3, ]]> and \r";
    const auto parsed = codec::xml::parse(snapshot_to_xml(info, "no XML at all"), "x");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().render();
    EXPECT_EQ(parsed->children[1].text, "bell \xEF\xBF\xBD, torn \xEF\xBF\xBD, ]]> and \r");
    const auto& domain = parsed->children.back();
    EXPECT_EQ(domain.children[1].text, "6695eb01-f6a4-8304-79aa-97f2502e193f") << "identity, where the definition is unreadable";
}

}  // namespace
}  // namespace stasis::model
