// What a definition becomes on QEMU's command line.
#include "hypervisor/qemu/command_line.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/qmp/json.h"
#include "hypervisor/qemu/block_nodes.h"
#include "hypervisor/qemu/machine_layout.h"

namespace stasis::hypervisor::qemu {
namespace {

using codec::qmp::text_of;
using testing::ElementsAre;
using testing::HasSubstr;

DiskTarget target(const char* name) { return *DiskTarget::parse(name); }

class CommandLineTest : public testing::Test {
protected:
    CommandLineTest() {
        auto& domain = request_.definition;
        domain.name = *DomainName::parse("web");
        domain.uuid = *Uuid::parse("6d5a1b9e-3a53-4b10-9d6c-0123456789ab");
        domain.memory_bytes = 512ull << 20;
        domain.os.machine = "pc-q35-7.2";
        domain.balloon_model = "none";
    }
    void add_disk(const char* name, model::DiskBus bus, std::vector<model::ChainImage> chain) {
        model::Disk disk;
        disk.target = target(name);
        disk.bus = bus;
        request_.definition.disks.push_back(disk);
        request_.disks.push_back({disk.target, std::move(chain)});
    }
    Result<CommandLine> build(std::vector<std::string> block_devices = {}) {
        return build_command_line({request_, host_, folder_, std::move(block_devices)});
    }
    /// The values of one option.
    static std::vector<std::string> values(const CommandLine& line, const std::string& option) {
        std::vector<std::string> found;
        for (std::size_t i = 0; i + 1 < line.argv.size(); ++i)
            if (line.argv[i] == option) found.push_back(line.argv[i + 1]);
        return found;
    }
    /// The -device of an id.
    static Json device(const CommandLine& line, const std::string& id) {
        for (const std::string& value : values(line, "-device"))
            if (const auto json = codec::qmp::parse_json(value); json && text_of(*json, "id") == id) return *json;
        return nullptr;
    }
    static Json node(const CommandLine& line, const std::string& name) {
        for (const std::string& value : values(line, "-blockdev"))
            if (const auto json = codec::qmp::parse_json(value); json && text_of(*json, "node-name") == name) return *json;
        return nullptr;
    }

    port::LaunchRequest request_;
    HostAbility host_{"/usr/bin/qemu-system-x86_64", "tcg", {7, 2, 22}};
    RunFolder folder_{"/s/run/u/1"};
};

TEST_F(CommandLineTest, a_small_guest_in_full) {
    request_.definition.os.kernel = "/boot/k,1";
    request_.definition.os.cmdline = "console=ttyS0,115200";
    const auto line = build();
    ASSERT_TRUE(line) << line.error().render();
    const std::vector<std::string> expected = {
        "/usr/bin/qemu-system-x86_64",
        "-chardev", "socket,id=monitor-c,fd=10,server=on,wait=off",
        "-mon", "chardev=monitor-c,mode=control",
        "-chardev", "socket,id=monitor-q,fd=11,server=on,wait=off",
        "-mon", "chardev=monitor-q,mode=control",
        "-name", "guest=web,debug-threads=on",
        "-uuid", "6d5a1b9e-3a53-4b10-9d6c-0123456789ab",
        "-nodefaults", "-no-user-config", "-S",
        "-msg", "timestamp=on",
        "-machine", "pc-q35-7.2,accel=tcg,dump-guest-core=off,memory-backend=pc.ram,usb=off",
        "-m", "size=524288k",
        "-object", R"({"id":"pc.ram","qom-type":"memory-backend-ram","size":536870912})",
        "-smp", "1",
        "-rtc", "base=utc",
        "-kernel", "/boot/k,1",
        "-append", "console=ttyS0,115200",
        "-display", "none"};
    EXPECT_EQ(line->argv, expected);
    EXPECT_THAT(line->listen, ElementsAre(ListenSocket{"/s/run/u/1/c.sock", 10}, ListenSocket{"/s/run/u/1/q.sock", 11}));
}

TEST_F(CommandLineTest, every_layer_is_stated_lowest_first_and_only_the_active_one_is_writable) {
    add_disk("vda", model::DiskBus::virtio, {{{7}, "/i/top.qcow2", model::ImageFormat::qcow2},
                                            {{3}, "/i/base.raw", model::ImageFormat::raw}});
    const auto line = build();
    ASSERT_TRUE(line) << line.error().render();
    std::vector<std::string> names;
    for (const std::string& value : values(*line, "-blockdev")) names.push_back(text_of(*codec::qmp::parse_json(value), "node-name"));
    EXPECT_THAT(names, ElementsAre("vda-3-f", "vda-3", "vda-7-f", "vda-7"));
    const Json base = node(*line, "vda-3"), top = node(*line, "vda-7");
    EXPECT_EQ(text_of(base, "driver"), "raw");
    EXPECT_EQ(base["read-only"], true);
    EXPECT_FALSE(base.contains("backing"));
    EXPECT_EQ(text_of(top, "backing"), "vda-3");
    EXPECT_EQ(top["read-only"], false);
    EXPECT_EQ(text_of(device(*line, "disk-vda"), "drive"), "vda-7");
    EXPECT_EQ(device(*line, "disk-vda")["bootindex"], 1);
}

TEST_F(CommandLineTest, a_lone_qcow2_is_told_to_have_no_backing_whatever_its_header_says) {
    add_disk("vda", model::DiskBus::virtio, {{{1}, "/i/a,b.qcow2", model::ImageFormat::qcow2}});
    const auto line = build();
    const Json top = node(*line, "vda-1");
    ASSERT_TRUE(top.contains("backing"));
    EXPECT_TRUE(top["backing"].is_null());
    EXPECT_EQ(text_of(node(*line, "vda-1-f"), "filename"), "/i/a,b.qcow2");
}

TEST_F(CommandLineTest, cache_modes_set_both_nodes_and_the_device) {
    add_disk("vda", model::DiskBus::virtio, {{{1}, "/i/a", model::ImageFormat::raw}});
    auto& disk = request_.definition.disks[0];
    disk.cache = "directsync";
    disk.discard = "unmap";
    disk.io = "native";
    const auto line = build({"/i/a"});
    const Json file = node(*line, "vda-1-f");
    EXPECT_EQ(text_of(file, "driver"), "host_device");
    EXPECT_EQ(text_of(file, "aio"), "native");
    EXPECT_EQ(file["cache"]["direct"], true);
    EXPECT_EQ(node(*line, "vda-1")["cache"]["direct"], true);
    EXPECT_EQ(text_of(node(*line, "vda-1"), "discard"), "unmap");
    EXPECT_EQ(text_of(device(*line, "disk-vda"), "write-cache"), "off");
}

TEST_F(CommandLineTest, stated_addresses_are_kept_and_others_placed_around_them) {
    add_disk("vda", model::DiskBus::virtio, {{{1}, "/i/a", model::ImageFormat::raw}});
    add_disk("vdb", model::DiskBus::virtio, {{{2}, "/i/b", model::ImageFormat::raw}});
    add_disk("vdc", model::DiskBus::virtio, {{{3}, "/i/c", model::ImageFormat::raw}});
    auto& domain = request_.definition;
    domain.disks[2].address = model::Address{"pci", {{"domain", "0x0000"}, {"bus", "0x00"}, {"slot", "0x01"}, {"function", "0x0"}}};
    domain.controllers.push_back({.type = "pci", .model = "pcie-root-port", .index = 1, .inner_xml = "<target chassis='4' port='0x10'/>"});
    domain.controllers[0].address = model::Address{"pci", {{"bus", "0x00"}, {"slot", "0x02"}, {"function", "0x1"}, {"multifunction", "on"}}};
    domain.disks[1].address = model::Address{"pci", {{"bus", "0x01"}, {"slot", "0x00"}}};
    const auto line = build();
    ASSERT_TRUE(line) << line.error().render();
    EXPECT_EQ(text_of(device(*line, "disk-vdc"), "addr"), "0x1");
    EXPECT_EQ(text_of(device(*line, "disk-vda"), "addr"), "0x3");
    EXPECT_EQ(text_of(device(*line, "disk-vdb"), "bus"), "pci.1");
    const Json port = device(*line, "pci.1");
    EXPECT_EQ(text_of(port, "addr"), "0x2.0x1");
    EXPECT_EQ(port["chassis"], 4);
    EXPECT_EQ(port["port"], 16);
    EXPECT_EQ(port["multifunction"], true);
}

TEST_F(CommandLineTest, placement_depends_on_the_definition_only) {
    add_disk("vda", model::DiskBus::virtio, {{{1}, "/i/a", model::ImageFormat::raw}});
    add_disk("sda", model::DiskBus::scsi, {{{2}, "/i/b", model::ImageFormat::raw}});
    request_.definition.interfaces.push_back({});
    request_.definition.rngs.push_back({});
    const auto first = build();
    request_.disks[0].chain = {{{9}, "/i/o", model::ImageFormat::qcow2}, {{1}, "/i/a", model::ImageFormat::raw}};
    request_.await_memory = true;
    request_.guest.generation = 5;
    folder_.path = "/s/run/u/5";
    host_.accelerator = "kvm";
    const auto second = build();
    ASSERT_TRUE(first && second);
    for (const char* id : {"disk-vda", "disk-sda", "net0", "rng0", "scsi0"})
        for (const char* key : {"bus", "addr", "scsi-id", "lun"})
            EXPECT_EQ(codec::qmp::to_text(device(*first, id).value(key, Json())), codec::qmp::to_text(device(*second, id).value(key, Json())))
                << id << " " << key;
    EXPECT_THAT(values(*second, "-incoming"), ElementsAre("defer"));
}

TEST_F(CommandLineTest, buses_imply_their_controllers) {
    add_disk("sda", model::DiskBus::scsi, {{{1}, "/i/a", model::ImageFormat::raw}});
    add_disk("sdb", model::DiskBus::sata, {});
    request_.definition.disks[1].device = model::DiskDevice::cdrom;
    const auto line = build();
    ASSERT_TRUE(line) << line.error().render();
    EXPECT_EQ(text_of(device(*line, "scsi0"), "driver"), "virtio-scsi-pci");
    EXPECT_EQ(text_of(device(*line, "disk-sda"), "bus"), "scsi0.0");
    EXPECT_EQ(text_of(device(*line, "disk-sdb"), "driver"), "ide-cd");
    EXPECT_EQ(text_of(device(*line, "disk-sdb"), "bus"), "ide.0");
    EXPECT_FALSE(device(*line, "disk-sdb").contains("drive"));
}

TEST_F(CommandLineTest, sockets_are_passed_and_files_continue_when_a_guest_is_replaced) {
    auto& domain = request_.definition;
    domain.serials.push_back({.backend = model::CharBackend::file, .path = "/log,1"});
    domain.consoles.push_back({.backend = model::CharBackend::file, .path = "/log,1", .target_type = "serial"});
    domain.channels.push_back({.backend = model::CharBackend::unix_socket, .target_type = "virtio", .target_name = "org.qemu.guest_agent.0"});
    domain.channels.push_back({.backend = model::CharBackend::unix_socket, .path = "/named", .target_type = "virtio"});
    EXPECT_THAT(values(*build(), "-chardev"), testing::Contains("file,id=char-serial0,path=/log,,1,append=off"));
    request_.replaces_running = true;
    const auto line = build();
    EXPECT_THAT(values(*line, "-chardev"), testing::Contains("file,id=char-serial0,path=/log,,1,append=on"));
    EXPECT_THAT(line->listen, testing::Contains(ListenSocket{"/s/run/u/1/channel-0.sock", 12}));
    EXPECT_THAT(line->listen, testing::Contains(ListenSocket{"/named", 13}));
    EXPECT_THAT(line->user_sockets, ElementsAre("/named"));
    EXPECT_EQ(device(*line, "channel0")["nr"], 1);
    EXPECT_EQ(device(*line, "channel1")["nr"], 2);
    EXPECT_TRUE(device(*line, "serial1").is_null());
}

TEST_F(CommandLineTest, firmware_cpu_and_features) {
    auto& domain = request_.definition;
    domain.os.loader = "/fw/code.fd";
    request_.nvram = "/fw/vars.fd";
    domain.cpu.mode = model::CpuMode::host_passthrough;
    domain.cpu.features = {{"vmx", "disable"}, {"aes", "require"}};
    domain.cpu.topology = std::array<std::uint32_t, 3>{1, 2, 1};
    domain.vcpus = 2;
    domain.features = {{"acpi", "off"}, {"apic", ""}};
    domain.suspend_to_mem = false;
    const auto line = build();
    ASSERT_TRUE(line) << line.error().render();
    EXPECT_THAT(values(*line, "-machine").at(0), HasSubstr(",acpi=off,pflash0=pflash0,pflash1=pflash1"));
    EXPECT_EQ(node(*line, "pflash0")["read-only"], true);
    EXPECT_EQ(node(*line, "pflash1")["read-only"], false);
    EXPECT_THAT(values(*line, "-cpu"), ElementsAre("max,vmx=off,aes=on"));
    EXPECT_THAT(values(*line, "-smp"), ElementsAre("2,sockets=1,cores=2,threads=1"));
    EXPECT_THAT(values(*line, "-global"), ElementsAre("ICH9-LPC.disable_s3=1"));
    host_.accelerator = "kvm";
    EXPECT_THAT(values(*build(), "-cpu"), ElementsAre("host,vmx=off,aes=on"));
}

TEST_F(CommandLineTest, what_cannot_be_expressed_is_refused_by_name) {
    request_.definition.os.machine = "microvm";
    EXPECT_EQ(build().error().kind, ErrorKind::unsupported);
    request_.definition.os.machine = "pc-q35-7.2";
    request_.definition.features = {{"sparkle", "on"}};
    EXPECT_THAT(build().error().subject, HasSubstr("sparkle"));
    request_.definition.features.clear();
    request_.definition.controllers.push_back({.type = "scsi", .model = "buslogic"});
    EXPECT_THAT(build().error().subject, HasSubstr("buslogic"));
    request_.definition.controllers.clear();
    add_disk("hda", model::DiskBus::ide, {{{1}, "/i/a", model::ImageFormat::raw}});
    EXPECT_THAT(build().error().next, HasSubstr("sata"));
}

TEST_F(CommandLineTest, more_devices_than_slots_is_an_error_not_a_collision) {
    for (int i = 0; i < 31; ++i)
        add_disk(("vd" + std::string(1, static_cast<char>('a' + i % 26)) + std::to_string(i)).c_str(), model::DiskBus::virtio,
                 {{{static_cast<std::uint32_t>(i + 1)}, "/i/x", model::ImageFormat::raw}});
    const auto line = build();
    ASSERT_FALSE(line);
    EXPECT_EQ(line.error().kind, ErrorKind::unsupported);
}

TEST_F(CommandLineTest, extra_arguments_come_last_and_environment_is_passed) {
    request_.definition.qemu_args = {"-device", "edu"};
    request_.definition.qemu_env = {{"A", "b"}};
    const auto line = build();
    EXPECT_EQ(line->argv.back(), "edu");
    EXPECT_EQ(line->environment.at(0).second, "b");
}

TEST(BlockNodes, names_read_back_and_others_are_not_ours) {
    const auto identity = identity_of_node(model::node_name(target("vda"), {12}));
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->target.str(), "vda");
    EXPECT_EQ(identity->id.value, 12u);
    for (const char* name : {"vda-12-f", "vda", "vda-", "vda-0", "#block123", "pflash0-f", "vda-99999999999"})
        EXPECT_FALSE(identity_of_node(name)) << name;
    EXPECT_EQ(target_of_device("/machine/peripheral/disk-vdb/virtio-backend")->str(), "vdb");
    EXPECT_EQ(target_of_device("disk-sda")->str(), "sda");
    EXPECT_FALSE(target_of_device("/machine/unattached/device[5]"));
}

}  // namespace
}  // namespace stasis::hypervisor::qemu
