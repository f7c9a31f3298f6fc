// Each command: what it asks of the library and what it prints.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/test_host.h"

namespace stasis::cli {
namespace {

using nlohmann::json;
using testing::Ran;
using namespace std::string_literals;

SnapshotInfo snapshot(const char* name, const char* parent = nullptr) {
    SnapshotInfo info;
    info.name = *SnapshotName::parse(name);
    info.domain = *DomainName::parse("web");
    if (parent != nullptr) info.parent = *SnapshotName::parse(parent);
    info.state = SnapshotState::running;
    info.memory_method = MemoryMethod::background;
    info.memory_file = "/r/a.save";
    info.memory_bytes = {1 << 20};
    return info;
}

class Commands : public ::testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(folder);
        program.environment.folder = folder;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    Ran run(const std::vector<std::string>& arguments) { return program.run(arguments); }
    void write(const std::string& name, const std::string& text) { std::ofstream(folder + "/" + name) << text; }
    std::string read(const std::string& name) {
        std::ifstream file(folder + "/" + name);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::string folder = ::testing::TempDir() + "stasis_cli_commands_" + std::to_string(getpid());
    testing::TestProgram program;
    testing::TestWorld& world = program.world;
};

// ---- definitions ----

TEST_F(Commands, Define) {
    write("web.xml", "<domain>");
    world.left_out = {"line 12: <foo> in <devices>"};
    const Ran ran = run({"define", "web.xml", "--lenient"});
    EXPECT_EQ(ran.out, "Domain 'web' defined from web.xml\n");
    EXPECT_EQ(ran.err, "stasis: note: left out: line 12: <foo> in <devices>\n");
    EXPECT_EQ(world.define.text, "<domain>");
    EXPECT_EQ(world.define.source, folder + "/web.xml");
    EXPECT_TRUE(world.define.lenient);
    EXPECT_EQ(world.define.syntax, DefinitionSyntax::detect);
    run({"define", "web.xml", "--syntax", "xlcfg"});
    EXPECT_EQ(world.define.syntax, DefinitionSyntax::xlcfg);
    EXPECT_FALSE(world.define.lenient);
    EXPECT_EQ(run({"define", "none.xml"}).code, 3);
}

TEST_F(Commands, DefineAsTakesEverything) {
    const Ran ran = run({"define-as", "web", "--memory", "2G", "--vcpus", "4", "--disk", "vda=web.qcow2", "--disk",
                         "vdb=/d,format=raw", "--network", "user", "--network", "bridge=br0", "--kernel", "k", "--initrd", "/i",
                         "--cmdline", "console=ttyS0 quiet", "--machine", "q35", "--serial", "unix:s", "--channel", "c", "--vnc", "v",
                         "--qemu-arg", "-device", "--qemu-arg=x,y=z", "--title", "T", "--description", "D"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    const auto& asked = world.define_as;
    EXPECT_EQ(asked.name, "web");
    EXPECT_EQ(asked.memory.value, 2ULL << 30);
    EXPECT_EQ(asked.vcpus, 4U);
    ASSERT_EQ(asked.disks.size(), 2U);
    EXPECT_EQ(asked.disks[0].path, folder + "/web.qcow2");
    EXPECT_EQ(asked.disks[1].format, "raw");
    EXPECT_EQ(asked.networks, (std::vector<std::string>{"user", "bridge=br0"}));
    EXPECT_EQ(asked.kernel, folder + "/k");
    EXPECT_EQ(asked.initrd, "/i");
    EXPECT_EQ(asked.cmdline, "console=ttyS0 quiet");
    EXPECT_EQ(asked.machine, "q35");
    EXPECT_EQ(asked.serial, "unix:" + folder + "/s");
    EXPECT_EQ(asked.channel, folder + "/c");
    EXPECT_EQ(asked.vnc, folder + "/v");
    EXPECT_EQ(asked.qemu_args, (std::vector<std::string>{"-device", "x,y=z"}));
    EXPECT_EQ(asked.title + asked.description, "TD");
}

TEST_F(Commands, DefineAsLeavesTheHeadersDefaults) {
    ASSERT_EQ(run({"define-as", "web"}).code, 0);
    EXPECT_EQ(world.define_as.memory, DefineAsOptions{}.memory);
    EXPECT_EQ(world.define_as.vcpus, DefineAsOptions{}.vcpus);
}

// ---- life ----

TEST_F(Commands, VerbsOfADomain) {
    EXPECT_EQ(run({"start", "web"}).out, "Domain 'web' started\n");
    EXPECT_FALSE(world.paused);
    run({"start", "web", "--paused"});
    EXPECT_TRUE(world.paused);
    EXPECT_EQ(run({"shutdown", "web"}).out, "Domain 'web' is being shutdown\n");
    EXPECT_EQ(world.wait.count(), 0);
    EXPECT_EQ(run({"shutdown", "web", "--wait", "7"}).out, "Domain 'web' is shut off\n");
    EXPECT_EQ(world.wait, std::chrono::seconds(7));
    for (const std::string verb : {"destroy", "suspend", "resume", "undefine"}) {
        EXPECT_EQ(run({verb, "web"}).code, 0);
        EXPECT_EQ(world.call, verb + " web");
    }
}

TEST_F(Commands, TheSummaryIsTheLastLineAndSaysWhatItIsAbout) {
    const auto summary = json::parse(run({"start", "web", "--json"}).out);
    EXPECT_EQ(summary["message_type"], "summary");
    EXPECT_EQ(summary["operation"], "start");
    EXPECT_EQ(summary["domain"], "web");
    EXPECT_EQ(summary["dry_run"], false);
    EXPECT_EQ(summary["state"], "shut off");
}

// ---- looking ----

TEST_F(Commands, ListShowsTheRunningOnesUnlessTold) {
    world.domains = {{*DomainName::parse("a"), {}, DomainState::running, 42}, {*DomainName::parse("b"), {}, DomainState::shut_off, {}}};
    EXPECT_EQ(run({"list"}).out, " Id   Name   State\n----------------------\n 42   a      running\n\n");
    EXPECT_EQ(run({"list", "--all", "-q"}).out, " 42   a   running\n -    b   shut off\n");
    EXPECT_EQ(run({"list", "--all", "--name"}).out, "a\nb\n");
    EXPECT_EQ(run({"list", "--inactive", "--name"}).out, "b\n");
    EXPECT_EQ(run({"list", "--uuid"}).out, "00000000-0000-0000-0000-000000000000\n");
    const auto document = json::parse(run({"list", "--all", "--json"}).out);
    ASSERT_EQ(document["domains"].size(), 2U);
    EXPECT_EQ(document["domains"][0]["process_id"], 42);
    EXPECT_TRUE(document["domains"][1]["process_id"].is_null());
}

TEST_F(Commands, LookingAtADomain) {
    world.info.disks = {{*DiskTarget::parse("vda"), "disk", "virtio", "qcow2", "/r/v.qcow2", false, 3},
                        {*DiskTarget::parse("sda"), "cdrom", "sata", "raw", "", true, 1}};
    world.info.description = "a\x1b[2Jb";
    EXPECT_NE(run({"dominfo", "web"}).out.find("Description:    a\\x1b[2Jb\n"), std::string::npos);
    EXPECT_EQ(run({"domstate", "web"}).out, "shut off\n");
    EXPECT_EQ(run({"domblklist", "web", "-q"}).out, " vda   /r/v.qcow2\n sda   -\n");
    EXPECT_EQ(run({"domblklist", "web", "-q", "--details"}).out,
              " file   disk    vda   /r/v.qcow2   qcow2   virtio   rw   3\n"
              " -      cdrom   sda   -            raw     sata     ro   1\n");
    const auto disks = json::parse(run({"domblklist", "web", "--json"}).out)["disks"];
    EXPECT_EQ(disks[0]["depth"], 3);
    EXPECT_TRUE(disks[1]["source"].is_null());
}

TEST_F(Commands, XmlIsPrintedAsItIsUnlessOnATerminal) {
    world.xml = "<a>\xc2\x9b</a>\n";
    EXPECT_EQ(run({"dumpxml", "web"}).out, world.xml);
    EXPECT_EQ(json::parse(run({"dumpxml", "web", "--json"}).out)["xml"], world.xml);
    program.environment.out_is_terminal = true;
    EXPECT_EQ(run({"dumpxml", "web"}).out, "<a>\\xc2\\x9b</a>\n");
}

// ---- snapshots ----

TEST_F(Commands, SnapshotCreateWithoutOptionsAsksForNothing) {
    world.created.name = *SnapshotName::parse("20260101120000");
    world.created.pause_us = 3'240;
    world.created.complete_us = 1'240'000;
    world.created.memory_method = MemoryMethod::background;
    world.created.memory_file_bytes = {38 << 20};
    EXPECT_EQ(run({"snapshot-create", "web"}).out,
              "Domain snapshot 20260101120000 created\n"
              "guest stood still 3.2 ms, complete after 1.24 s, memory 38 MiB (background)\n");
    const auto& asked = world.create;
    EXPECT_FALSE(asked.name || asked.all_disks || asked.compression || asked.internal_pause_limit_us);
    EXPECT_EQ(asked.path + asked.memory_path + asked.description, "");
    EXPECT_FALSE(asked.disk_only || asked.live);
    const auto summary = json::parse(run({"snapshot-create", "web", "--json"}).out);
    EXPECT_EQ(summary["pause_us"], 3240);
    EXPECT_EQ(summary["complete_us"], 1'240'000);
    EXPECT_EQ(summary["memory_file_bytes"], 38 << 20);
    EXPECT_TRUE(summary["fallback_reason"].is_null());
}

TEST_F(Commands, SnapshotCreateWithOptions) {
    const Ran ran = run({"snapshot-create", "web", "--disk", "vda=no", "snaps/one/", "-n", "one", "--description", "D", "--external",
                         "--live", "--disk", "vdb=internal", "--memory-path", "m.save", "--compress", "zstd",
                         "--internal-pause-limit", "250"});
    ASSERT_EQ(ran.code, 0) << ran.err;
    const auto& asked = world.create;
    EXPECT_EQ(asked.path, folder + "/snaps/one");
    EXPECT_EQ(asked.name->str(), "one");
    EXPECT_EQ(asked.description, "D");
    EXPECT_EQ(asked.all_disks, DiskMode::external);
    EXPECT_TRUE(asked.live);
    ASSERT_EQ(asked.disks.size(), 2U);
    EXPECT_EQ(asked.disks[1].mode, DiskMode::internal);
    EXPECT_EQ(asked.memory_path, folder + "/m.save");
    EXPECT_EQ(asked.compression, MemoryCompression::zstd);
    EXPECT_EQ(asked.internal_pause_limit_us, 250'000);
}

TEST_F(Commands, SnapshotCreateReadsItsConfiguration) {
    write("s.cfg", "name = \"x\"\n");
    EXPECT_EQ(run({"snapshot-create", "web", "--config", "s.cfg"}).code, 0);
    EXPECT_EQ(world.config_text, "name = \"x\"\n");
    EXPECT_EQ(run({"snapshot-create", "web", "--config", "none"}).code, 3);
}

TEST_F(Commands, SnapshotCreateSaysOnceWhyItFellBack) {
    world.created.memory_method = MemoryMethod::stopped;
    world.created.fallback_reason = "no userfaultfd";
    EXPECT_EQ(run({"snapshot-create", "web"}).err, "stasis: note: memory was saved by the method 'stopped': no userfaultfd\n");
    world.during = [](const RunMode& mode) { mode.progress->note("stopped save: no userfaultfd"); };
    EXPECT_EQ(run({"snapshot-create", "web"}).err, "stasis: note: stopped save: no userfaultfd\n");
}

TEST_F(Commands, SnapshotListShapes) {
    setenv("TZ", "UTC", 1);
    world.snapshots = {snapshot("a"), snapshot("b", "a")};
    EXPECT_EQ(run({"snapshot-list", "web"}).out,
              " Name   Creation Time               State\n"
              "---------------------------------------------\n"
              " a      1970-01-01 00:00:00 +0000   running\n"
              " b      1970-01-01 00:00:00 +0000   running\n\n");
    EXPECT_EQ(run({"snapshot-list", "web", "--name"}).out, "a\nb\n");
    EXPECT_EQ(run({"snapshot-list", "web", "--tree"}).out, "a\n  |\n  +- b\n\n");
    EXPECT_EQ(run({"snapshot-list", "web", "--parent", "-q"}).out,
              " a   1970-01-01 00:00:00 +0000   running   \n b   1970-01-01 00:00:00 +0000   running   a\n");
    EXPECT_NE(run({"snapshot-list", "web", "-l"}).out.find(" Parent   Current   Memory   Disks\n"), std::string::npos);
    const auto document = json::parse(run({"snapshot-list", "web", "--json"}).out);
    EXPECT_EQ(document["snapshots"][1]["parent"], "a");
    EXPECT_EQ(document["snapshots"][1]["created"], "1970-01-01T00:00:00.000000Z");
    unsetenv("TZ");
}

TEST_F(Commands, SnapshotListAsksForWhatItIsToShow) {
    run({"snapshot-list", "web", "--leaves", "--topological", "--from", "a", "--descendants"});
    EXPECT_TRUE(world.list.leaves && world.list.topological && world.list.descendants && !world.list.roots);
    EXPECT_EQ(world.list.from->str(), "a");
    run({"snapshot-list", "web", "--roots"});
    EXPECT_TRUE(world.list.roots && !world.list.leaves && !world.list.from);
    world.snapshots = {snapshot("b", "a"), snapshot("c", "b")};
    EXPECT_EQ(run({"snapshot-list", "web", "--tree", "--from", "a"}).out, "a\n  |\n  +- b\n      |\n      +- c\n\n");
    EXPECT_TRUE(world.list.descendants);
}

TEST_F(Commands, OneSnapshot) {
    world.snapshots = {snapshot("a"), snapshot("b", "a")};
    EXPECT_NE(run({"snapshot-info", "web", "b"}).out.find("Parent:         a\n"), std::string::npos);
    EXPECT_EQ(json::parse(run({"snapshot-info", "web", "b", "--json"}).out)["memory_file_bytes"], 1 << 20);
    EXPECT_EQ(run({"snapshot-parent", "web", "b"}).out, "a\n");
    EXPECT_EQ(run({"snapshot-parent", "web", "a"}).code, 3);
    EXPECT_EQ(run({"snapshot-dumpxml", "web", "b"}).out, "<domainsnapshot><name>b</name></domainsnapshot>\n");
    EXPECT_EQ(run({"snapshot-info", "web", "none"}).code, 3);
}

TEST_F(Commands, SnapshotCurrent) {
    EXPECT_EQ(run({"snapshot-current", "web"}).code, 3);
    world.current = snapshot("a");
    EXPECT_EQ(run({"snapshot-current", "web", "--name"}).out, "a\n");
    EXPECT_EQ(run({"snapshot-current", "web"}).out, "<domainsnapshot><name>a</name></domainsnapshot>\n");
    EXPECT_EQ(json::parse(run({"snapshot-current", "web", "--json"}).out)["name"], "a");
}

TEST_F(Commands, SnapshotRevert) {
    world.reverted = {*SnapshotName::parse("a"), DomainState::running, 130'400, 1'240'000, {"/r/old.qcow2"}};
    EXPECT_EQ(run({"snapshot-revert", "web", "a"}).out,
              "Domain 'web' reverted to snapshot a\nguest runs again after 130 ms, complete after 1.24 s\n"
              "left behind: /r/old.qcow2\n");
    EXPECT_FALSE(world.revert.wanted || world.revert.force);
    run({"snapshot-revert", "web", "a", "--paused", "--force"});
    EXPECT_EQ(world.revert.wanted, DomainState::paused);
    EXPECT_TRUE(world.revert.force);
    run({"snapshot-revert", "web", "a", "--running"});
    EXPECT_EQ(world.revert.wanted, DomainState::running);
    EXPECT_EQ(json::parse(run({"snapshot-revert", "web", "a", "--json"}).out)["resume_us"], 130'400);
}

TEST_F(Commands, SnapshotDelete) {
    world.deleted = {*SnapshotName::parse("b"), *SnapshotName::parse("a")};
    EXPECT_EQ(run({"snapshot-delete", "web", "a", "--children"}).out, "Domain snapshot b deleted\nDomain snapshot a deleted\n");
    EXPECT_TRUE(world.remove.children);
    EXPECT_EQ(json::parse(run({"snapshot-delete", "web", "a", "--json"}).out)["deleted"], (json{"b", "a"}));
}

// ---- memory-export ----

TEST_F(Commands, MemoryExportMakesAWholePrivateFile) {
    world.snapshots = {snapshot("a")};
    EXPECT_EQ(run({"memory-export", "web", "a", "m"}).out, "Memory of snapshot a exported to " + folder + "/m: 8 B\n");
    EXPECT_EQ(read("m"), "a stream");
    using std::filesystem::perms;
    EXPECT_EQ(std::filesystem::status(folder + "/m").permissions(), perms::owner_read | perms::owner_write);
    EXPECT_EQ(run({"memory-export", "web", "a", "m"}).code, 4);
    EXPECT_EQ(run({"memory-export", "web", "a", "none/m"}).code, 3);
    EXPECT_EQ(run({"memory-export", "web", "a", "/dev/null"}).code, 0);
}

TEST_F(Commands, AFailedMemoryExportLeavesNothing) {
    world.snapshots = {snapshot("a")};
    world.during = [&](const RunMode&) { world.error = Error{ErrorKind::corrupt, "read", "/r/a.save", "bad checksum", "", nullptr}; };
    EXPECT_EQ(run({"memory-export", "web", "a", "m"}).code, 8);
    EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(Commands, MemoryExportDryRunWritesNothing) {
    world.snapshots = {snapshot("a")};
    const Ran ran = run({"memory-export", "web", "a", "m", "--dry-run"});
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.out.find("memory-export would:\n"), std::string::npos);
    EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(Commands, MemoryExportToStandardOutputKeepsItClean) {
    world.snapshots = {snapshot("a")};
    const std::string path = folder + "/out";
    program.environment.out_descriptor = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const Ran ran = run({"memory-export", "web", "a", "-"});
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err, "Memory of snapshot a exported to standard output: 8 B\n");
    const Ran lines = run({"memory-export", "web", "a", "-", "--json"});
    EXPECT_EQ(lines.out, "");
    EXPECT_EQ(json::parse(lines.err)["written_bytes"], 8);
    close(program.environment.out_descriptor);
    EXPECT_EQ(read("out"), "a streama stream");
}

TEST_F(Commands, MemoryExportRefusesATerminalAndASnapshotWithoutMemory) {
    program.environment.out_is_terminal = true;
    EXPECT_EQ(run({"memory-export", "web", "a", "-"}).code, 2);
    world.snapshots = {snapshot("a")};
    world.snapshots[0].memory_method = MemoryMethod::none;
    EXPECT_EQ(run({"memory-export", "web", "a", "m"}).code, 6);
    EXPECT_TRUE(std::filesystem::is_empty(folder));
}

// ---- about ----

TEST_F(Commands, Version) {
    EXPECT_TRUE(run({"version"}).out.starts_with("stasis " STASIS_VERSION "\n"));
    EXPECT_EQ(run({"--version"}).out, run({"version"}).out);
    EXPECT_EQ(json::parse(run({"version", "--json"}).out)["version"], STASIS_VERSION);
    EXPECT_EQ(run({"completion", "zsh"}).code, 6);
    EXPECT_EQ(run({"help", "frob"}).code, 2);
}

}  // namespace
}  // namespace stasis::cli
