#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/domain.h"

namespace stasis::model {
namespace {

using testing::HasSubstr;

Domain good() {
    Domain d;
    d.name = *DomainName::parse("web");
    d.memory_bytes = 64u << 20;
    Disk disk;
    disk.target = *DiskTarget::parse("vda");
    disk.source = "/a.qcow2";
    d.disks = {disk};
    return d;
}

TEST(Domain, FindsDisksByTarget) {
    const Domain d = good();
    EXPECT_EQ(find_disk(d, *DiskTarget::parse("vda")), &d.disks[0]);
    EXPECT_EQ(find_disk(d, *DiskTarget::parse("vdb")), nullptr);
}

TEST(Domain, NamesFormatsAndBuses) {
    for (const auto format : {ImageFormat::raw, ImageFormat::qcow2}) EXPECT_EQ(image_format_from(to_string(format)), format);
    for (const auto bus : {DiskBus::virtio, DiskBus::scsi, DiskBus::sata, DiskBus::ide}) EXPECT_EQ(disk_bus_from(to_string(bus)), bus);
    EXPECT_EQ(to_string(DiskBus::virtio), "virtio");
    EXPECT_EQ(to_string(ImageFormat::qcow2), "qcow2");
    EXPECT_EQ(image_format_from("vmdk"), std::nullopt);
    EXPECT_EQ(disk_bus_from(""), std::nullopt);
}

TEST(Domain, AcceptsAGoodOne) {
    const auto valid = validate(good());
    EXPECT_TRUE(valid.has_value()) << valid.error().render();
}

struct Break {
    const char* what;
    std::function<void(Domain&)> change;
    const char* why;
};
class DomainRule : public testing::TestWithParam<Break> {};
TEST_P(DomainRule, IsHeld) {
    Domain d = good();
    GetParam().change(d);
    const auto valid = validate(d);
    ASSERT_FALSE(valid.has_value());
    EXPECT_EQ(valid.error().kind, ErrorKind::invalid);
    EXPECT_THAT(valid.error().render(), HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    Each, DomainRule,
    testing::Values(
        Break{"name", [](Domain& d) { d.name = {}; }, "no name"}, Break{"memory", [](Domain& d) { d.memory_bytes = 1023; }, "less than 1 MiB"},
        Break{"odd_memory", [](Domain& d) { d.memory_bytes += 4096; }, "whole number of MiB"},
        Break{"much_memory", [](Domain& d) { d.memory_bytes = kDomainMemoryBytesMax + (1u << 20); }, "more than 16 TiB"},
        Break{"vcpus", [](Domain& d) { d.vcpus = 0; }, "0 vCPUs"}, Break{"many_vcpus", [](Domain& d) { d.vcpus = kDomainVcpusMax + 1; }, "4097 vCPUs"},
        Break{"topology", [](Domain& d) { d.cpu.topology = {65536, 65536, 65536}; }, "topology"},
        Break{"twins", [](Domain& d) { d.disks.push_back(d.disks[0]); }, "second disk 'vda'"},
        Break{"no_source", [](Domain& d) { d.disks[0].source.clear(); }, "has no source"},
        Break{"no_target", [](Domain& d) { d.disks[0].target = {}; }, "no target"},
        Break{"relative", [](Domain& d) { d.disks[0].source = "a.qcow2"; }, "not absolute"},
        Break{"control", [](Domain& d) { d.os.kernel = "/a\nb"; }, "control character"},
        Break{"cdrom", [](Domain& d) { d.disks[0].device = DiskDevice::cdrom; }, "not read-only"},
        Break{"many_disks", [](Domain& d) { d.disks.assign(kDomainDisksMax + 1, d.disks[0]); }, "more than 256 disks"},
        Break{"mac", [](Domain& d) { d.interfaces = {Interface{.mac = "52:54:00:AB:CD:EF"}}; }, "lower case"},
        Break{"boot", [](Domain& d) { d.disks[0].boot_order = 1; d.os.boot = {"hd"}; }, "both <boot dev=>"},
        Break{"boot_twins", [](Domain& d) { d.disks[0].boot_order = 1; d.interfaces = {Interface{.boot_order = 1}}; }, "same boot order"},
        Break{"console", [](Domain& d) { d.consoles = {CharDevice{.target_type = "serial"}}; }, "not a virtio console"},
        Break{"title", [](Domain& d) { d.title = "a\x1b[31m"; }, "/domain/title"}, Break{"argument", [](Domain& d) { d.qemu_args = {"\xFF"}; }, "qemu:arg"},
        Break{"feature", [](Domain& d) { d.features = {{"x y", ""}}; }, ""}, Break{"unknown_feature", [](Domain& d) { d.features = {{"warp", ""}}; }, "<warp>"},
        Break{"address", [](Domain& d) { d.disks[0].address = Address{"pci", {{"bus", "1"}, {"bus", "2"}}}; }, "@bus"},
        Break{"address_name", [](Domain& d) { d.disks[0].address = Address{"pci", {{"a='1' b", "1"}}}; }, "/@"},
        Break{"cache", [](Domain& d) { d.disks[0].cache = "fast"; }, "cache='fast'"}, Break{"kept_place", [](Domain& d) { d.kept = {{"/domain/devices/disk[2]", "<iotune/>"}}; }, "not there"},
        Break{"kept_kind", [](Domain& d) { d.kept = {{"/domain", "<name>other</name>"}}; }, "second <name>"},
        Break{"kept_torn", [](Domain& d) { d.kept = {{"/domain", "<metadata>"}}; }, "is kept for /domain"},
        Break{"kept_order", [](Domain& d) { d.kept = {{"/domain/vcpu", "@placement=static"}, {"/domain", "<perf/>"}}; }, "would change"},
        Break{"kept_form", [](Domain& d) { d.kept = {{"/domain", "<perf></perf>"}}; }, "would change"},
        Break{"cpu_attributes", [](Domain& d) { d.cpu.kept_attributes = "mode='custom'"; }, "would change"},
        Break{"pty_path", [](Domain& d) { d.serials = {CharDevice{.path = "/dev/pts/1"}}; }, "would change"},
        Break{"long", [](Domain& d) { d.description = std::string(2u << 20, 'x'); }, "longer than"}),
    [](const auto& one) { return one.param.what; });

}  // namespace
}  // namespace stasis::model
