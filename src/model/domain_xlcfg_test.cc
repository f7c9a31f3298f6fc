#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/domain_xlcfg.h"

namespace stasis::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;

std::string golden(const std::string& name) {
    std::ifstream file(std::string(STASIS_SOURCE_DIR) + "/tests/golden/xml/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_TRUE(file) << name;
    return text.str();
}

constexpr std::string_view kHead = "name='a'\nmemory=64\n";

Domain domain_of(std::string_view text, const DomainXmlOptions& options = {}) {
    auto parsed = domain_from_xlcfg(std::string(kHead) + std::string(text), "web.cfg", options);
    EXPECT_TRUE(parsed.has_value()) << text << (parsed ? "" : parsed.error().render());
    return parsed ? parsed->domain : Domain{};
}

std::string refusal_of(std::string_view text, const DomainXmlOptions& options = {}) {
    const auto parsed = domain_from_xlcfg(std::string(kHead) + std::string(text), "web.cfg", options);
    return parsed ? "accepted" : parsed.error().render();
}

TEST(DomainXlcfg, GivesTheDomainThatTheXmlGives) {
    const DomainXmlOptions options{.base_folder = "/guests"};
    const auto config = domain_from_xlcfg(golden("minimal.cfg"), "minimal.cfg", options);
    ASSERT_TRUE(config.has_value()) << config.error().render();
    const auto xml = domain_from_xml(golden("minimal.xml"), "minimal.xml", options);
    ASSERT_TRUE(xml.has_value()) << xml.error().render();
    EXPECT_EQ(config->domain, xml->domain) << domain_to_xml(config->domain) << domain_to_xml(xml->domain);
}

TEST(DomainXlcfg, ReadsTheGuestOfTheXenNotes) {
    const Domain d = domain_of("type=\"hvm\" ; kernel=\"/guest/vmlinuz\" ; ramdisk=\"/guest/domu.cpio.gz\"\nextra=\"console=ttyS0\"\nvcpus=2\nserial=\"file:/log\"\nvnc=0\n"
                               "uuid='6695eb01-f6a4-8304-79aa-97f2502e193f'\n"
                               "disk=[\"format=qcow2,vdev=xvda,access=rw,target=/d/a.qcow2\",\"format=qcow2,vdev=xvdb,access=ro,target=/d/b,c.qcow2\"]\n");
    EXPECT_EQ(d.memory_bytes, 64u << 20);
    EXPECT_EQ(d.vcpus, 2u);
    EXPECT_EQ(d.uuid.str(), "6695eb01-f6a4-8304-79aa-97f2502e193f");
    EXPECT_EQ(d.os.kernel, "/guest/vmlinuz");
    EXPECT_EQ(d.os.cmdline, "console=ttyS0");
    ASSERT_THAT(d.disks, SizeIs(2));
    EXPECT_EQ(d.disks[0].target.str(), "xvda");
    EXPECT_EQ(d.disks[0].bus, DiskBus::virtio);
    EXPECT_EQ(d.disks[0].format, ImageFormat::qcow2);
    EXPECT_EQ(d.disks[1].source, "/d/b,c.qcow2");
    EXPECT_TRUE(d.disks[1].read_only);
    ASSERT_THAT(d.serials, SizeIs(1));
    EXPECT_EQ(d.serials[0].backend, CharBackend::file);
    EXPECT_FALSE(d.vnc);
}

TEST(DomainXlcfg, MapsVirtualDevicesToBuses) {
    const auto disk = [](std::string_view text) { return domain_of("disk=['" + std::string(text) + "']").disks.at(0); };
    EXPECT_EQ(disk("/a,,hda").bus, DiskBus::ide);
    EXPECT_EQ(disk("/a,,sda").bus, DiskBus::scsi);
    EXPECT_EQ(disk("/a,,vda").bus, DiskBus::virtio);
    EXPECT_EQ(disk("/a,,hda,specification=virtio").bus, DiskBus::virtio);
    EXPECT_EQ(disk("/dev/vg/a,,xvda").source_type, DiskSourceType::block);
    EXPECT_EQ(disk("phy:vg/a,xvda,w").source, "/dev/vg/a");
    EXPECT_EQ(disk("/a,,xvda,no-discard").discard, "ignore");
    EXPECT_EQ(disk("/a,,xvda").format, ImageFormat::raw) << "xl's rule";
    const Disk drive = disk(",hdc:cdrom,r");
    EXPECT_EQ(drive.device, DiskDevice::cdrom);
    EXPECT_TRUE(drive.read_only);
    EXPECT_EQ(drive.source, "");
}

TEST(DomainXlcfg, ReadsInterfaces) {
    const Domain d = domain_of("vif=['', 'mac=00:16:3E:74:3d:76, model=e1000, bridge=br0, vifname=web0', 'type=vif']");
    ASSERT_THAT(d.interfaces, SizeIs(3));
    EXPECT_EQ(d.interfaces[0].source, "xenbr0");
    EXPECT_EQ(d.interfaces[0].model, "rtl8139");
    EXPECT_EQ(d.interfaces[1].mac, "00:16:3e:74:3d:76");
    EXPECT_EQ(d.interfaces[1].source, "br0");
    EXPECT_EQ(d.interfaces[1].target, "web0");
    EXPECT_EQ(d.interfaces[2].model, "virtio");
}

TEST(DomainXlcfg, ReadsTheOtherSettings) {
    const Domain d = domain_of("boot='dc'\nlocaltime=1\npae=0\non_crash='preserve'\nserial=['pty','null','none','unix:/s,server,nowait','unix:/t']\nvnc=1\n"
                               "device_model_override='/q'\ndevice_model_args=['-device','pvpanic']\nroot='/dev/vda1'\nextra='ro'\nmaxmem=64\nmaxvcpus=1\n");
    EXPECT_THAT(d.os.boot, ElementsAre("cdrom", "hd"));
    EXPECT_EQ(d.clock.offset, "localtime");
    EXPECT_THAT(d.features, ElementsAre(Pair("acpi", ""), Pair("apic", "")));
    EXPECT_EQ(d.on_crash, "preserve");
    ASSERT_THAT(d.serials, SizeIs(4));
    EXPECT_TRUE(d.serials[2].listen);
    EXPECT_FALSE(d.serials[3].listen);
    EXPECT_TRUE(d.vnc);
    EXPECT_EQ(d.emulator, "/q");
    EXPECT_THAT(d.qemu_args, ElementsAre("-device", "pvpanic"));
    EXPECT_EQ(d.os.cmdline, "root=/dev/vda1 ro");
}

TEST(DomainXlcfg, RefusesWithLineAndColumn) {
    EXPECT_THAT(refusal_of("\n  pci=['00:1f.0']"), testing::AllOf(HasSubstr("web.cfg line 4, column 3"), HasSubstr("setting 'pci' is outside")));
    for (const auto& [text, why] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"type='pv'", "only hvm"}, {"builder='generic'", "only hvm"}, {"uuid='x'", "no uuid"}, {"vcpus=0", "1 to 4096"}, {"vcpus=['1']", "is a list"},
             {"maxmem=128", "maxmem that differs"}, {"maxvcpus=2", "maxvcpus that differs"}, {"boot='x'", "'x'"}, {"disk='/a,,hda'", "is no list"},
             {"disk=['/a,vhd,xvda']", "format 'vhd'"}, {"disk=['/a,,xvda1']", "no whole disk"}, {"disk=['/a,,xvda','/b,,xvda']", "second disk 'xvda'"},
             {"disk=['a,,xvda']", "path 'a' is relative"}, {"disk=['nbd:x,xvda,w']", "script=block-nbd"}, {"disk=['/a,raw']", "no virtual device"},
             {"vif=['rate=1Mb/s']", "'rate' of a vif"}, {"vif=['mac=x']", "no MAC address"}, {"vif=['mac=']", "no value"}, {"serial='tcp::4444,server'", "'tcp::4444,server'"},
             {"serial='file:'", "no path"}, {"firmware='ovmf'", "firmware=\"ovmf\""}, {"cmdline='a'\nextra='b'", "beside cmdline"}, {"vnclisten='0.0.0.0'", "setting 'vnclisten'"},
             {"on_reboot='explode'", "no action"}, {"kernel='k'", "is relative"}, {"device_model_args='-x'", "is no list"}})
        EXPECT_THAT(refusal_of(text), HasSubstr(why)) << text;
    EXPECT_THAT(domain_from_xlcfg("memory=64", "x", {}).error().render(), HasSubstr("'name' is not set"));
    EXPECT_THAT(domain_from_xlcfg("name='a'", "x", {}).error().render(), HasSubstr("'memory' is not set"));
    EXPECT_THAT(domain_from_xlcfg("name='a/b'\nmemory=64", "x", {}).error().render(), HasSubstr("no domain name"));
    EXPECT_THAT(domain_from_xlcfg("name='a'\nmemory=99999999999", "x", {}).error().render(), HasSubstr("'memory' is 99999999999"));
}

TEST(DomainXlcfg, LenientListsWhatItLeavesOut) {
    const auto parsed = domain_from_xlcfg(std::string(kHead) + "pci=['00:1f.0']\nvif=['rate=1Mb/s,bridge=b']\nmaxmem=128", "web.cfg", {.lenient = true});
    ASSERT_TRUE(parsed.has_value()) << parsed.error().render();
    EXPECT_THAT(parsed->left_out, ElementsAre("line 3: setting 'pci'", "line 4: 'rate' of a vif", "line 5: maxmem that differs from memory"));
    EXPECT_THAT(parsed->domain.interfaces, SizeIs(1));
    EXPECT_THAT(refusal_of("type='pv'", {.lenient = true}), HasSubstr("only hvm"));
}

}  // namespace
}  // namespace stasis::model
