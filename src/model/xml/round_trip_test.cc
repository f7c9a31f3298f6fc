#include <gtest/gtest.h>

#include "model/xml/domain_generator.h"
#include "model/xml/domain_xml.h"
#include "model/xml/words.h"

namespace stasis::model {

std::string DomainGenerator::text() {
    static constexpr std::string_view kPieces[] = {"a", " ", "<", "&amp;", "\"", "'", "\n", "\t", "\r", "]]>", "\xC3\xA9", "\xF0\x9F\x90\xA7", "--", "0"};
    std::string result;
    for (std::uint32_t i = below(6); i > 0; --i) result += pick(kPieces);
    return result;
}

std::string DomainGenerator::path() {
    static constexpr std::string_view kPieces[] = {"/a", "/b c", "/x&y", "/<z>", "/\xC3\xA9", "/..", "/'q\""};
    std::string result;
    for (std::uint32_t i = below(3) + 1; i > 0; --i) result += pick(kPieces);
    return result;
}

std::optional<Address> DomainGenerator::address() {
    if (chance()) return std::nullopt;
    Address result{chance() ? "pci" : "drive", {}};
    for (const auto* name : {"domain", "bus", "slot", "function"})
        if (chance()) result.attributes.emplace_back(name, std::to_string(below(32)));
    return result;
}

Disk DomainGenerator::disk(std::uint32_t number) {
    static constexpr std::string_view kPrefixes[] = {"vd", "sd", "hd", "xvd"};
    Disk d;
    d.target = *DiskTarget::parse(std::string(pick(kPrefixes)) + static_cast<char>('a' + number));
    d.device = chance() ? DiskDevice::disk : DiskDevice::cdrom;
    d.bus = pick(kDiskBuses.pairs).first;
    d.source_type = pick(kDiskSourceTypes.pairs).first;
    if (d.device == DiskDevice::disk || chance()) d.source = path();
    d.format = pick(kImageFormats.pairs).first;
    d.read_only = d.device == DiskDevice::cdrom || chance();
    d.shareable = chance();
    d.serial = text();
    d.cache = word_or_none(kCacheModes);
    d.discard = word_or_none(kDiscardModes);
    d.io = word_or_none(kIoModes);
    d.detect_zeroes = word_or_none(kDetectZeroes);
    d.snapshot = word_or_none(kDiskSnapshots);
    d.address = address();
    d.alias = alias();
    return d;
}

Interface DomainGenerator::interface() {
    Interface i;
    i.type = pick(kInterfaceTypes.pairs).first;
    if (i.type == InterfaceType::bridge) i.source = "br" + std::to_string(below(9));
    if (chance()) i.target = "tap" + std::to_string(below(9));
    if (chance()) i.mac = "52:54:00:12:34:5" + std::to_string(below(9));
    i.model = chance() ? "virtio" : "e1000e";
    if (i.type == InterfaceType::tap) i.script = below(3) == 0 ? "" : chance() ? "no" : path();
    i.address = address();
    i.alias = alias();
    return i;
}

CharDevice DomainGenerator::port() {
    CharDevice c;
    c.backend = pick(kCharBackends.pairs).first;
    if (c.backend == CharBackend::file || (c.backend == CharBackend::unix_socket && chance())) c.path = path();
    if (c.backend == CharBackend::unix_socket) c.listen = chance();
    if (c.backend == CharBackend::file) c.append = chance();
    if (chance()) c.port = below(8);
    c.address = address();
    c.alias = alias();
    return c;
}

Controller DomainGenerator::controller() {
    Controller c;
    c.type = pick(kControllerTypes);
    if (chance()) c.model = "pcie-root-port";
    c.index = below(30);
    if (chance()) c.inner_xml = "<model name=\"pcie-root-port\"/><target chassis=\"1\" port=\"0x10\"/>";
    c.address = address();
    c.alias = alias();
    return c;
}

void DomainGenerator::platform(Domain& d) {
    d.os.machine = chance() ? "" : "pc-q35-7.2";
    if (chance()) {
        d.os.loader = path();
        d.os.loader_read_only = chance();
        d.os.loader_secure = chance();
        d.os.loader_type = pick(kLoaderTypes);
    }
    if (chance()) d.os.nvram = path();
    if (chance()) d.os.nvram_template = path();
    if (chance()) d.os.kernel = path();
    if (chance()) d.os.initrd = path();
    d.os.cmdline = text();
    for (std::uint32_t i = below(3); i > 0; --i) d.os.boot.emplace_back(pick(kBootDevices));
    if (chance()) d.cpu.mode = pick(kCpuModes.pairs).first;
    if (d.cpu.mode == CpuMode::custom) d.cpu.model = "Skylake-Client";
    if (chance()) d.cpu.kept_attributes = "match=\"exact\" check=\"partial\"";
    if (chance()) d.cpu.features = {{"vmx", "disable"}, {"ss", "require"}};
    if (chance()) d.cpu.topology = {1, d.vcpus, 1};
    for (const auto feature : kFeatures)
        if (chance()) d.features.emplace_back(feature, word_or_none(kStates));
    d.clock.offset = pick(kClockOffsets);
    if (chance()) d.clock.timers = {{"rtc", {{"tickpolicy", "catchup"}, {"track", "guest"}}}, {"hpet", {{"present", "no"}}}};
    if (chance()) d.suspend_to_mem = chance();
    if (chance()) d.suspend_to_disk = chance();
}

void DomainGenerator::devices(Domain& d) {
    if (chance()) d.emulator = path();
    for (std::uint32_t i = 0, count = below(4); i < count; ++i) d.disks.push_back(disk(i));
    for (std::uint32_t i = below(3); i > 0; --i) d.interfaces.push_back(interface());
    for (std::uint32_t i = below(3); i > 0; --i) d.serials.push_back(port());
    for (std::uint32_t i = below(3); i > 0; --i) (d.consoles.emplace_back() = port()).target_type = "virtio";
    for (std::uint32_t i = below(3); i > 0; --i) {
        d.channels.push_back(port());
        d.channels.back().target_type = "virtio";
        d.channels.back().target_name = "org.example." + std::to_string(i);
    }
    if (chance()) d.vnc = Vnc{chance() ? "" : path()};
    for (std::uint32_t i = below(2); i > 0; --i) d.videos.push_back({std::string(pick(kVideoModels)), chance() ? std::optional(16384u) : std::nullopt, address(), alias()});
    for (std::uint32_t i = below(3); i > 0; --i) d.inputs.push_back({std::string(pick(kInputTypes)), std::string(pick(kInputBuses)), address(), alias()});
    for (std::uint32_t i = below(2); i > 0; --i) d.rngs.push_back({path(), address(), alias()});
    d.balloon_model = word_or_none(kBalloonModels);
    if (!d.balloon_model.empty()) d.balloon_address = address();
    if (chance()) d.tpm = Tpm{std::string(pick(kTpmModels)), std::string(pick(kTpmVersions))};
    for (std::uint32_t i = below(4); i > 0; --i) d.controllers.push_back(controller());
    for (std::uint32_t i = below(3); i > 0; --i) d.qemu_args.push_back(text());
    for (std::uint32_t i = below(3); i > 0; --i) d.qemu_env.emplace_back(text(), text());
}

// In the order in which they are read: by parent.
void DomainGenerator::keep(Domain& d) {
    if (chance()) d.kept.push_back({"/domain", "@type=qemu"});
    if (chance()) d.kept.push_back({"/domain", "<metadata><q:a xmlns:q=\"urn:q\" q:b=\"1\">text <c/> tail</q:a></metadata>"});
    if (chance()) d.kept.push_back({"/domain", "<seclabel type=\"none\"/>"});
    if (chance()) d.kept.push_back({"/domain/devices", "<audio id=\"1\" type=\"none\"/>"});
    if (!d.disks.empty() && chance()) d.kept.push_back({"/domain/devices/disk[1]", "<iotune><total_iops_sec>9</total_iops_sec></iotune>"});
    if (!d.disks.empty() && chance()) d.kept.push_back({"/domain/devices/disk[1]/driver", "@iothread=1"});
    if (chance()) d.kept.push_back({"/domain/vcpu", "@cpuset=0-3"});
}

Domain DomainGenerator::domain() {
    Domain d;
    d.name = *DomainName::parse("guest-" + std::to_string(below(1000)));
    if (chance()) d.uuid.bytes[15] = static_cast<std::uint8_t>(below(255) + 1);
    d.title = text();
    d.description = text();
    d.memory_bytes = (std::uint64_t{below(100'000)} + 1) << 20;
    d.vcpus = below(8) + 1;
    platform(d);
    d.on_poweroff = word_or_none(kPowerActions);
    d.on_reboot = word_or_none(kPowerActions);
    d.on_crash = word_or_none(kCrashActions);
    devices(d);
    keep(d);
    return d;
}

namespace {

constexpr std::uint32_t kRounds = 200;

TEST(DomainRoundTrip, EveryValidDomainSurvivesItsXml) {
    for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
        const Domain d = DomainGenerator(seed).domain();
        const auto valid = validate(d);
        ASSERT_TRUE(valid.has_value()) << "seed " << seed << ": " << valid.error().render() << "\n" << domain_to_xml(d);
        const std::string xml = domain_to_xml(d);
        const auto parsed = domain_from_xml(xml, "generated", {});
        ASSERT_TRUE(parsed.has_value()) << "seed " << seed << ": " << parsed.error().render();
        ASSERT_EQ(parsed->domain, d) << "seed " << seed << ": " << xml;
        ASSERT_TRUE(parsed->left_out.empty());
        ASSERT_EQ(domain_to_xml(parsed->domain), xml) << "seed " << seed;
    }
}

// Guards the property above against a generator that makes the same little domain over and over.
TEST(DomainRoundTrip, TheGeneratorReachesTheWholeModel) {
    Domain all;
    std::size_t kept = 0;
    for (std::uint32_t seed = 0; seed < kRounds; ++seed) {
        const Domain d = DomainGenerator(seed).domain();
        kept += d.kept.size();
        for (const auto& disk : d.disks) all.disks.push_back(disk);
        if (d.tpm) all.tpm = d.tpm;
        if (d.vnc) all.vnc = d.vnc;
    }
    EXPECT_GT(kept, kRounds);
    EXPECT_GT(all.disks.size(), kRounds);
    EXPECT_TRUE(all.tpm && all.vnc);
}

}  // namespace
}  // namespace stasis::model
