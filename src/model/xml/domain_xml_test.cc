#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/xml/domain_xml.h"

namespace stasis::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

std::string golden(const std::string& name) {
    std::ifstream file(std::string(STASIS_SOURCE_DIR) + "/tests/golden/xml/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_TRUE(file) << name;
    return text.str();
}

Domain domain_of(std::string_view text, const DomainXmlOptions& options = {}) {
    auto parsed = domain_from_xml(text, "web.xml", options);
    EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().render());
    return parsed ? parsed->domain : Domain{};
}

std::string refusal_of(std::string_view text, const DomainXmlOptions& options = {}) {
    const auto parsed = domain_from_xml(text, "web.xml", options);
    if (parsed) return "accepted";
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid);
    return parsed.error().render();
}

// A domain with this in its <devices>, each piece on a line of its own from line 2 on.
std::string with_devices(std::string_view devices) {
    return "<domain type='kvm'><name>a</name><memory>65536</memory><devices>\n" + std::string(devices) + "</devices></domain>";
}
std::string with(std::string_view elements) {
    return "<domain type='kvm'><name>a</name><memory>65536</memory>\n" + std::string(elements) + "</domain>";
}
std::string disk(std::string_view inside, std::string_view attributes = "type='file'") {
    return "<disk " + std::string(attributes) + ">" + std::string(inside) + "</disk>";
}
constexpr std::string_view kRawDriver = "<driver name='qemu' type='raw'/>";
constexpr std::string_view kGoodDisk = "<driver name='qemu' type='raw'/><source file='/a'/><target dev='vda' bus='virtio'/>";

TEST(DomainXml, ReadsTheDumpOfARunningGuest) {
    const Domain d = domain_of(golden("running-q35.xml"));
    EXPECT_EQ(d.name.str(), "web");
    EXPECT_EQ(d.uuid.str(), "6695eb01-f6a4-8304-79aa-97f2502e193f");
    EXPECT_EQ(d.memory_bytes, 2ull << 30);
    EXPECT_EQ(d.vcpus, 2u);
    EXPECT_EQ(d.os.machine, "pc-q35-7.2");
    EXPECT_EQ(d.cpu.mode, CpuMode::custom);
    EXPECT_EQ(d.cpu.model, "Skylake-Client-IBRS");
    EXPECT_EQ(d.cpu.kept_attributes, "match=\"exact\" check=\"full\"");
    EXPECT_THAT(d.cpu.features, ElementsAre(Pair("ss", "require"), Pair("mpx", "disable")));
    EXPECT_EQ(d.cpu.topology, (std::array<std::uint32_t, 3>{1, 2, 1}));
    EXPECT_THAT(d.features, ElementsAre(Pair("acpi", ""), Pair("apic", ""), Pair("vmport", "off")));
    EXPECT_THAT(d.clock.timers, SizeIs(3));
    EXPECT_EQ(d.suspend_to_mem, false);
    EXPECT_EQ(d.emulator, "/usr/bin/qemu-system-x86_64");
    EXPECT_THAT(d.controllers, SizeIs(5));
    EXPECT_EQ(d.controllers[2].inner_xml, "<model name=\"pcie-root-port\"/><target chassis=\"1\" port=\"0x10\"/>");
    EXPECT_THAT(d.inputs, SizeIs(3));
    EXPECT_EQ(d.balloon_model, "virtio");
    EXPECT_THAT(d.rngs, SizeIs(1));
    EXPECT_EQ(d.vnc->socket, "/run/vnc/web.sock");
}

TEST(DomainXml, ReadsTheDisksOfARunningGuest) {
    const Domain d = domain_of(golden("running-q35.xml"));
    ASSERT_THAT(d.disks, SizeIs(3));
    const Disk& root = d.disks[0];
    EXPECT_EQ(root.source, "/var/lib/libvirt/images/web-1.qcow2");
    EXPECT_EQ(root.format, ImageFormat::qcow2);
    EXPECT_EQ(root.cache, "none");
    EXPECT_EQ(root.io, "native");
    EXPECT_EQ(root.discard, "unmap");
    EXPECT_EQ(root.serial, "WEB-ROOT");
    EXPECT_EQ(root.boot_order, 1u);
    EXPECT_EQ(root.snapshot, "external");
    EXPECT_EQ(root.alias, "virtio-disk0");
    ASSERT_TRUE(root.address);
    EXPECT_EQ(root.address->type, "pci");
    EXPECT_THAT(root.address->attributes, ElementsAre(Pair("domain", "0x0000"), Pair("bus", "0x04"), Pair("slot", "0x00"), Pair("function", "0x0")));
    EXPECT_EQ(d.disks[1].source_type, DiskSourceType::block);
    EXPECT_TRUE(d.disks[1].shareable);
    EXPECT_EQ(d.disks[2].device, DiskDevice::cdrom);
    EXPECT_EQ(d.disks[2].source, "");
    EXPECT_TRUE(d.disks[2].read_only);
}

TEST(DomainXml, SetsAsideWhatIsOfOneRun) {
    const Domain d = domain_of(golden("running-q35.xml"));
    EXPECT_EQ(d.interfaces[0].target, "") << "vnet3 was libvirt's own name";
    EXPECT_EQ(d.interfaces[0].mac, "52:54:00:7a:3b:10");
    EXPECT_EQ(d.serials[0].path, "") << "the pty is of that run";
    EXPECT_THAT(d.consoles, IsEmpty()) << "it repeats the serial port";
    EXPECT_EQ(d.channels[0].path, "") << "libvirt's own socket";
    const std::string again = domain_to_xml(d);
    for (const auto* gone : {"backingStore", " id=\"7\"", "/dev/pts", "vnet3", "index=\"3\"", "connected", "tray="})
        EXPECT_THAT(again, testing::Not(HasSubstr(gone)));
}

TEST(DomainXml, KeepsWhatTheGuestDoesNotSee) {
    const Domain d = domain_of(golden("running-q35.xml"));
    const std::string again = domain_to_xml(d);
    for (const auto* kept : {"<libosinfo:os id=\"http://debian.org/debian/12\"/>", "placement=\"static\"", "cpuset=\"0-3\"", "<partition>/machine</partition>",
                             "<bootmenu enable=\"no\"/>", "fallback=\"forbid\"", "<vendor>Intel</vendor>", "iothread=\"1\"", "ports=\"15\"",
                             "<audio id=\"1\" type=\"none\"/>", "<watchdog model=\"itco\"", "<stats period=\"5\"/>", "<label>+64055:+64055</label>"})
        EXPECT_THAT(again, HasSubstr(kept));
}

TEST(DomainXml, WritesWhatItReads) {
    for (const auto* name : {"running-q35.xml", "minimal.xml", "uefi-tpm.xml"}) {
        const Domain d = domain_of(golden(name), {.base_folder = "/guests"});
        const std::string text = domain_to_xml(d);
        EXPECT_EQ(domain_of(text), d) << text;
        EXPECT_EQ(domain_to_xml(domain_of(text)), text);
    }
}

TEST(DomainXml, ReadsFirmwareTpmPortsAndArguments) {
    const Domain d = domain_of(golden("uefi-tpm.xml"));
    EXPECT_EQ(d.title, "Sealed guest");
    EXPECT_EQ(d.description, "Boots from UEFI, with a TPM & secure boot");
    EXPECT_EQ(d.memory_bytes, 4ull << 30);
    EXPECT_EQ(d.os.loader, "/usr/share/OVMF/OVMF_CODE_4M.ms.fd");
    EXPECT_TRUE(d.os.loader_secure);
    EXPECT_TRUE(d.os.loader_read_only);
    EXPECT_EQ(d.os.loader_type, "pflash");
    EXPECT_EQ(d.os.nvram, "/var/lib/libvirt/qemu/nvram/sealed_VARS.fd");
    EXPECT_EQ(d.os.nvram_template, "/usr/share/OVMF/OVMF_VARS_4M.ms.fd");
    EXPECT_THAT(d.os.boot, ElementsAre("hd", "cdrom"));
    EXPECT_EQ(d.clock.offset, "localtime");
    EXPECT_EQ(d.cpu.mode, CpuMode::host_passthrough);
    EXPECT_EQ(d.disks[0].detect_zeroes, "unmap");
    EXPECT_EQ(d.interfaces[0].type, InterfaceType::tap);
    EXPECT_EQ(d.interfaces[0].target, "tap7");
    EXPECT_EQ(d.interfaces[0].script, "no");
    EXPECT_EQ(d.interfaces[1].type, InterfaceType::user);
    EXPECT_EQ(d.interfaces[1].model, "rtl8139") << "libvirt's default";
    ASSERT_THAT(d.serials, SizeIs(2));
    EXPECT_TRUE(d.serials[0].append);
    EXPECT_EQ(d.serials[0].path, "/var/log/sealed.log");
    EXPECT_FALSE(d.serials[1].listen);
    ASSERT_THAT(d.consoles, SizeIs(1));
    EXPECT_EQ(d.consoles[0].port, 1u);
    EXPECT_EQ(d.tpm->model, "tpm-crb");
    EXPECT_THAT(d.qemu_args, ElementsAre("-device", "pvpanic"));
    EXPECT_THAT(d.qemu_env, ElementsAre(Pair("QEMU_AUDIO_DRV", "none")));
}

TEST(DomainXml, ResolvesRelativePathsAgainstTheFolder) {
    const Domain d = domain_of(golden("minimal.xml"), {.base_folder = "/guests"});
    EXPECT_EQ(d.os.kernel, "/guests/boot/vmlinuz");
    EXPECT_EQ(d.disks[0].source, "/guests/root.qcow2");
    EXPECT_THAT(refusal_of(golden("minimal.xml")), HasSubstr("path 'boot/vmlinuz' is relative"));
    EXPECT_EQ(domain_of(with("<os><type>hvm</type><kernel>./k</kernel></os>"), {.base_folder = "/"}).os.kernel, "/k");
}

TEST(DomainXml, RefusesHostileDocuments) {
    EXPECT_THAT(refusal_of(golden("hostile-dtd.xml")), testing::AllOf(HasSubstr("document type"), HasSubstr("line 2")));
    EXPECT_THAT(refusal_of(golden("hostile-laughs.xml")), HasSubstr("document type"));
    EXPECT_THAT(refusal_of(golden("hostile-depth.xml")), HasSubstr("nested deeper"));
    EXPECT_THAT(refusal_of(golden("hostile-attribute.xml")), HasSubstr("attributes of <a>"));
    EXPECT_THAT(refusal_of(golden("hostile-duplicate-target.xml")), testing::AllOf(HasSubstr("second disk 'vda'"), HasSubstr("web.xml line 10")));
}

TEST(DomainXml, NamesWhatIsOutsideTheSubsetAndWhere) {
    const auto why = refusal_of(golden("hostile-unknown.xml"));
    EXPECT_THAT(why, HasSubstr("web.xml line 8"));
    EXPECT_THAT(why, HasSubstr("<interface type='network'> in /domain/devices is outside"));
    EXPECT_THAT(why, HasSubstr("--lenient"));
    EXPECT_THAT(refusal_of(with_devices("<hostdev/>")), testing::AllOf(HasSubstr("line 2"), HasSubstr("<hostdev> in /domain/devices")));
    EXPECT_THAT(refusal_of(with_devices(disk(kGoodDisk, "sgio='x'"))), HasSubstr("attribute sgio='x' in /domain/devices/disk[1]"));
}

TEST(DomainXml, LenientListsWhatItLeavesOut) {
    const auto parsed = domain_from_xml(golden("hostile-unknown.xml"), "web.xml", {.lenient = true});
    ASSERT_TRUE(parsed.has_value()) << parsed.error().render();
    EXPECT_THAT(parsed->left_out, testing::UnorderedElementsAre("line 5: <hostdev> in /domain/devices",
                                                                "line 8: <interface type='network'> in /domain/devices",
                                                                "line 11: attribute sgio='unfiltered' in /domain/devices/disk[1]",
                                                                "line 15: <geometry> in /domain/devices/disk[1]"));
    EXPECT_THAT(parsed->domain.disks, SizeIs(1));
    EXPECT_THAT(parsed->domain.interfaces, IsEmpty());
    EXPECT_EQ(domain_of(domain_to_xml(parsed->domain)), parsed->domain);
}

TEST(DomainXml, LenientStillRefusesWhatIsWrong) {
    const DomainXmlOptions lenient{.lenient = true};
    EXPECT_THAT(refusal_of(with_devices(disk("<source file='/a'/><target dev='vda'/>")), lenient), HasSubstr("image format"));
    EXPECT_THAT(refusal_of("<domain type='xen'/>", lenient), HasSubstr("type='kvm'"));
    EXPECT_THAT(refusal_of(golden("hostile-dtd.xml"), lenient), HasSubstr("document type"));
}

// What a strict reading leaves out as a whole does not leave traces of itself.
TEST(DomainXml, ADeviceLeftOutTakesAlongWhatWasKeptOfIt) {
    const auto text = with_devices("<channel type='unix'><log file='/l'/><target type='guestfwd'/></channel>\n<channel type='unix'><log file='/m'/>"
                                   "<target type='virtio' name='x'/></channel>");
    const auto parsed = domain_from_xml(text, "web.xml", {.lenient = true});
    ASSERT_TRUE(parsed.has_value()) << parsed.error().render();
    ASSERT_THAT(parsed->domain.channels, SizeIs(1));
    EXPECT_THAT(parsed->domain.kept, ElementsAre(KeptElement{"/domain/devices/channel[1]", "<log file=\"/m\"/>"}));
}

struct Case {
    const char* what;
    std::string text;
    const char* why;
};
class DomainXmlRefusal : public testing::TestWithParam<Case> {};
TEST_P(DomainXmlRefusal, SaysWhy) { EXPECT_THAT(refusal_of(GetParam().text), HasSubstr(GetParam().why)); }

INSTANTIATE_TEST_SUITE_P(
    General, DomainXmlRefusal,
    testing::Values(
        Case{"other_root", "<network/>", "the document is a <network>"}, Case{"no_type", "<domain/>", "type='kvm'"},
        Case{"no_name", "<domain type='kvm'><memory>65536</memory></domain>", "<name> is no domain name"},
        Case{"bad_name", "<domain type='kvm'><name>../a</name><memory>65536</memory></domain>", "<name> is no domain name"},
        Case{"no_memory", "<domain type='kvm'><name>a</name></domain>", "no <memory>"},
        Case{"zero_memory", "<domain type='kvm'><name>a</name><memory>0</memory></domain>", "less than 1 MiB"},
        Case{"unit", "<domain type='kvm'><name>a</name><memory unit='furlong'>1</memory></domain>", "unit='furlong'"},
        Case{"overflow", "<domain type='kvm'><name>a</name><memory unit='EiB'>99</memory></domain>", "more than 16 TiB"},
        Case{"words", "<domain type='kvm'><name>a</name><memory>much</memory></domain>", "not a whole number"},
        Case{"negative", "<domain type='kvm'><name>a</name><memory>-1</memory></domain>", "not a whole number"},
        Case{"ballooned", with("<currentMemory>1024</currentMemory>"), "<currentMemory> that differs"},
        Case{"no_vcpu", with("<vcpu>0</vcpu>"), "number from 1 to 4096"}, Case{"offline", with("<vcpu current='1'>2</vcpu>"), "fewer vCPUs"},
        Case{"two_vcpu", with("<vcpu>1</vcpu><vcpu>2</vcpu>"), "second <vcpu>"}, Case{"uuid", with("<uuid>x</uuid>"), "<uuid> is no uuid"},
        Case{"text", with("hello"), "text in /domain"}, Case{"action", with("<on_crash>explode</on_crash>"), "no action"},
        Case{"backing", with("<memoryBacking><hugepages/></memoryBacking>"), "<memoryBacking> in /domain"},
        Case{"numa", with("<cpu><numa/></cpu>"), "<numa> in /domain/cpu"}, Case{"os", with("<os><type>linux</type></os>"), "only hvm"},
        Case{"efi", with("<os firmware='efi'><type>hvm</type></os>"), "firmware= without <loader>"},
        Case{"bios", with("<os><type>hvm</type><bios useserial='yes'/></os>"), "<bios> in /domain/os"},
        Case{"boot", with("<os><type>hvm</type><boot dev='usb'/></os>"), "none of fd, hd"},
        Case{"hyperv", with("<features><hyperv/></features>"), "<hyperv> in /domain/features"},
        Case{"clock", with("<clock offset='variable'/>"), "none of utc, localtime"},
        Case{"catchup", with("<clock offset='utc'><timer name='rtc'><catchup/></timer></clock>"), "<catchup> in /domain/clock/timer[1]"},
        Case{"topology", with("<vcpu>2</vcpu><cpu><topology sockets='1' cores='1' threads='1'/></cpu>"), "does not make 2 vCPUs"},
        Case{"dies", with("<cpu><topology sockets='1' dies='2' cores='1' threads='1'/></cpu>"), "attribute dies='2'"},
        Case{"namespace", with("<x:y xmlns:x='urn:x'/>"), "<x:y> in /domain"},
        Case{"qemu", with("<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:file/></q:commandline>"), "<q:file>"},
        Case{"qemu_arg", with("<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg/></q:commandline>"), "no value="}),
    [](const auto& one) { return one.param.what; });

INSTANTIATE_TEST_SUITE_P(
    Devices, DomainXmlRefusal,
    testing::Values(
        Case{"no_driver", with_devices(disk("<source file='/a'/><target dev='vda'/>")), "does not say its image format"},
        Case{"no_driver_type", with_devices(disk("<driver name='qemu'/><source file='/a'/><target dev='vda'/>")), "never guesses"},
        Case{"vmdk", with_devices(disk("<driver name='qemu' type='vmdk'/><source file='/a'/><target dev='vda'/>")), "only raw and qcow2"},
        Case{"no_source", with_devices(disk(std::string(kRawDriver) + "<target dev='vda'/>")), "has no source"},
        Case{"no_target", with_devices(disk(std::string(kRawDriver) + "<source file='/a'/>")), "no <target>"},
        Case{"target", with_devices(disk("<target dev='../x'/>")), "no device name"},
        Case{"usb", with_devices(disk("<target dev='sda' bus='usb'/>")), "<disk bus='usb'>"},
        Case{"network_disk", with_devices("<disk type='network'/>"), "<disk type='network'>"},
        Case{"floppy", with_devices("<disk type='file' device='floppy'/>"), "device='floppy'"},
        Case{"encryption", with_devices(disk(std::string(kGoodDisk) + "<encryption format='luks'/>")), "<encryption> in /domain/devices/disk[1]"},
        Case{"transient", with_devices(disk(std::string(kGoodDisk) + "<transient/>")), "<transient>"},
        Case{"mirror", with_devices(disk(std::string(kGoodDisk) + "<mirror/>")), "<mirror>"},
        Case{"cache", with_devices(disk("<driver name='qemu' type='raw' cache='fast'/><source file='/a'/><target dev='vda'/>")), "cache='fast'"},
        Case{"boot_order", with_devices(disk(std::string(kGoodDisk) + "<boot order='0'/>")), "order="},
        Case{"spice", with_devices("<graphics type='spice'/>"), "<graphics type='spice'>"},
        Case{"vnc_port", with_devices("<graphics type='vnc' port='5900' autoport='no'/>"), "UNIX socket only"},
        Case{"vnc_listen", with_devices("<graphics type='vnc'><listen type='address' address='0.0.0.0'/></graphics>"), "UNIX socket only"},
        Case{"filesystem", with_devices("<filesystem/>"), "<filesystem>"}, Case{"shmem", with_devices("<shmem name='x'/>"), "<shmem>"},
        Case{"sound", with_devices("<sound model='ich9'/>"), "<sound>"}, Case{"watchdog", with_devices("<watchdog model='i6300esb' action='reset'/>"), "model='i6300esb'"},
        Case{"tap_word", with_devices("<interface type='tap'/>"), "<interface type='tap'>"},
        Case{"bridge", with_devices("<interface type='bridge'/>"), "no <source bridge=>"},
        Case{"mac", with_devices("<interface type='user'><mac address='52:54:00:12:34'/></interface>"), "no MAC address"},
        Case{"multicast", with_devices("<interface type='user'><mac address='53:54:00:12:34:56'/></interface>"), "multicast"},
        Case{"queues", with_devices("<interface type='user'><driver name='vhost' queues='4'/></interface>"), "<driver> with settings"},
        Case{"link", with_devices("<interface type='user'><link state='down'/></interface>"), "attribute state='down'"},
        Case{"tcp_serial", with_devices("<serial type='tcp'/>"), "<serial type='tcp'>"},
        Case{"second_console", with_devices("<console type='pty'/><console type='pty'/>"), "only the first console"},
        Case{"file_serial", with_devices("<serial type='file'/>"), "names no <source path=>"},
        Case{"unnamed_channel", with_devices("<channel type='unix'><target type='virtio'/></channel>"), "channel has no name"},
        Case{"egd", with_devices("<rng model='virtio'><backend model='egd'/></rng>"), "backend model='egd'"},
        Case{"passthrough", with_devices("<tpm><backend type='passthrough'/></tpm>"), "backend type='passthrough'"},
        Case{"autodeflate", with_devices("<memballoon model='virtio' autodeflate='on'/>"), "autodeflate"},
        Case{"heads", with_devices("<video><model type='virtio' heads='2'/></video>"), "heads='2'"},
        Case{"emulator", with_devices("<emulator>qemu</emulator>"), "no absolute path"}),
    [](const auto& one) { return one.param.what; });

TEST(DomainXml, KnowsAllUnitsOfMemory) {
    const auto memory = [](std::string_view amount, std::string_view unit) {
        return domain_of("<domain type='kvm'><name>a</name><memory unit='" + std::string(unit) + "'>" + std::string(amount) + "</memory></domain>").memory_bytes;
    };
    EXPECT_EQ(memory("67108864", "b"), 64u << 20);
    EXPECT_EQ(memory("67108864", "bytes"), 64u << 20);
    EXPECT_EQ(memory("65536", "k"), 64u << 20);
    EXPECT_EQ(memory("65536", "kib"), 64u << 20);
    EXPECT_EQ(memory("64", "M"), 64u << 20);
    EXPECT_EQ(memory("2", "GiB"), 2ull << 30);
    EXPECT_EQ(memory("1", "TiB"), 1ull << 40);
    EXPECT_EQ(memory("1048576", "KB"), 1000ull << 20);
    EXPECT_EQ(memory("67", "MB"), 64u << 20) << "67,000,000 bytes, rounded up to whole MiB";
    EXPECT_EQ(domain_of(with("")).memory_bytes, 64u << 20) << "KiB when no unit is given";
}

TEST(DomainXml, ASerialConsoleIsTheSerialPort) {
    const Domain alone = domain_of(with_devices("<console type='pty'><target type='serial' port='0'/></console>"));
    ASSERT_THAT(alone.serials, SizeIs(1));
    EXPECT_THAT(alone.consoles, IsEmpty());
    EXPECT_EQ(alone, domain_of(with_devices("<serial type='pty'><target port='0'/></serial><console type='pty'/>")));
}

TEST(DomainXml, DerivesTheBusFromTheName) {
    const auto bus = [](std::string_view target) {
        return domain_of(with_devices(disk("<driver name='qemu' type='raw'/><source file='/a'/><target dev='" + std::string(target) + "'/>"))).disks[0].bus;
    };
    EXPECT_EQ(bus("vda"), DiskBus::virtio);
    EXPECT_EQ(bus("xvda"), DiskBus::virtio);
    EXPECT_EQ(bus("sda"), DiskBus::scsi);
    EXPECT_EQ(bus("hda"), DiskBus::ide);
}

TEST(DomainXml, VncOnASocketOfOurChoice) {
    EXPECT_EQ(domain_of(with_devices("<graphics type='vnc'><listen type='socket'/></graphics>")).vnc->socket, "");
    EXPECT_EQ(domain_of(with_devices("<graphics type='vnc' socket='/s'/>")).vnc->socket, "/s");
}

}  // namespace
}  // namespace stasis::model
