#include "hypervisor/qemu/emulator.h"

#include <map>

#include <gtest/gtest.h>

#include "hypervisor/qemu/host_sockets.h"
#include "hypervisor/qemu/probe_rom.h"
#include "hypervisor/qemu/run_folder.h"
#include "seam/testing/memory_file_system.h"
#include "seam/testing/scripted_process.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr const char* kHelp =
    "Supported machines are:\n"
    "microvm              microvm (i386)\n"
    "pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)\n"
    "pc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996) (default)\n"
    "q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-7.2)\n"
    "pc-q35-7.2           Standard PC (Q35 + ICH9, 2009)\n";

TEST(MachineHelp, resolves_aliases_the_default_and_versioned_types) {
    EXPECT_EQ(machine_from(kHelp, "q35"), "pc-q35-7.2");
    EXPECT_EQ(machine_from(kHelp, ""), "pc-i440fx-7.2");
    EXPECT_EQ(machine_from(kHelp, "pc-q35-7.2"), "pc-q35-7.2");
    EXPECT_EQ(machine_from(kHelp, "pc-q35-9.0"), std::nullopt);
    EXPECT_EQ(machine_from("", "q35"), std::nullopt);
}

TEST(EmulatorVersion, is_read_with_and_without_a_package_name) {
    EXPECT_EQ(version_from("QEMU emulator version 7.2.22 (Debian 1:7.2)\nCopyright")->str(), "7.2.22");
    EXPECT_EQ(version_from("QEMU emulator version 10.0.2\n")->str(), "10.0.2");
    EXPECT_FALSE(version_from("bash 5"));
}

TEST(ProbeRom, starts_at_the_reset_vector_and_fills_64_kib) {
    const std::string rom = probe_rom();
    EXPECT_EQ(rom.size(), 65536u);
    EXPECT_EQ(static_cast<unsigned char>(rom[0xfff0]), 0xea);   // far jump to f000:fe00
    EXPECT_EQ(static_cast<unsigned char>(rom[0xfe00]), 0xfa);   // cli
    EXPECT_EQ(static_cast<unsigned char>(rom[0xfc00]), 0xfa);
    EXPECT_EQ(static_cast<unsigned char>(rom[0]), 0xf4);        // hlt
}

class EmulatorsTest : public testing::Test {
protected:
    EmulatorsTest() { files_.put("/usr/bin/qemu-system-x86_64", "elf"); }
    Emulators make() {
        return {"/s", files_, processes_,
                {[this](const std::string& key) { return kept_.contains(key) ? std::optional(kept_[key]) : std::nullopt; },
                 [this](const std::string& key, const std::string& value) { kept_[key] = value; }},
                "6.1"};
    }
    void expect_version() {
        processes_.expect_run({"/usr/bin/qemu-system-x86_64", "-version"}, seam::RunResult{.standard_output = "QEMU emulator version 7.2.22\n"});
    }
    void expect_probe(Result<seam::RunResult> result) {
        processes_.expect_run({"/usr/bin/qemu-system-x86_64", "-machine", "q35", "-accel", "kvm", "-cpu", "host", "-m", "16", "-nodefaults",
                               "-no-user-config", "-display", "none", "-no-reboot", "-bios", "*", "-device", "isa-debug-exit,iobase=0xf4,iosize=1"},
                              std::move(result));
    }
    seam::MemoryFileSystem files_;
    seam::ScriptedProcessRunner processes_;
    std::map<std::string, std::string> kept_;
};

TEST_F(EmulatorsTest, kvm_is_used_when_the_probe_ends_as_it_should_and_is_asked_once) {
    expect_version();
    expect_probe(seam::RunResult{.exit_code = 67});
    EXPECT_EQ(make().ability("", "x86_64")->accelerator, "kvm");
    EXPECT_EQ(make().ability("", "x86_64")->accelerator, "kvm");
    EXPECT_TRUE(processes_.finished());
}

TEST_F(EmulatorsTest, any_other_end_of_the_probe_means_software_emulation) {
    expect_version();
    expect_probe(seam::RunResult{.exit_code = 137});
    EXPECT_EQ(make().ability("", "x86_64")->accelerator, "tcg");
}

TEST_F(EmulatorsTest, a_missing_emulator_says_what_to_install) {
    const auto missing = make().ability("/opt/qemu", "x86_64");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
    EXPECT_FALSE(missing.error().next.empty());
}

TEST_F(EmulatorsTest, an_old_qemu_is_refused) {
    processes_.expect_run({"/usr/bin/qemu-system-x86_64", "-version"}, seam::RunResult{.standard_output = "QEMU emulator version 6.2.0\n"});
    EXPECT_EQ(make().ability("", "x86_64").error().kind, ErrorKind::unsupported);
}

TEST(RunFolderRecord, reads_back_and_refuses_what_is_not_one) {
    seam::MemoryFileSystem files;
    const RunFolder folder{"/run/x/1"};
    (void)files.make_folders(folder.path);
    GuestRecord record{.process = {1234, 18446744073709551615ull}, .tpm = seam::SpawnedProcess{99, 5}, .accelerator = "tcg",
                       .version = "7.2.22", .machine = "pc-q35-7.2", .sockets = {"/a"}, .replaced = 3};
    record.disks.push_back({*DiskTarget::parse("vda"), "none", "unmap", "native", "on"});
    ASSERT_TRUE(write_record(files, folder, record));
    const auto back = read_record(files, folder);
    ASSERT_TRUE(back) << back.error().render();
    EXPECT_EQ(back->process.pid, 1234);
    EXPECT_EQ(back->process.start_ticks, 18446744073709551615ull);
    EXPECT_EQ(back->tpm->pid, 99);
    EXPECT_EQ(back->disks, record.disks);
    EXPECT_EQ(back->replaced, 3u);
    for (const char* text : {"", "{}", R"({"format":"stasis-guest-1","process":{"pid":0,"start_ticks":"1"}})"}) {
        files.put(folder.record(), text);
        EXPECT_EQ(read_record(files, folder).error().kind, ErrorKind::corrupt) << text;
    }
}

TEST(RunFolderLog, ends_on_one_line) {
    seam::MemoryFileSystem files;
    files.put("/log", "first\nsecond\n");
    EXPECT_EQ(log_tail(files, "/log"), "first|second");
    files.put("/log", std::string(5000, 'x') + "\nlast\n");
    EXPECT_EQ(log_tail(files, "/log"), "last");
    EXPECT_EQ(log_tail(files, "/none"), "");
}

TEST(HostSockets, move_aside_once_and_come_back) {
    seam::MemoryFileSystem files;
    files.put("/a.sock", "old");
    ASSERT_TRUE(set_aside(files, {"/a.sock", "/missing.sock"}, 4));
    files.put("/a.sock", "new");
    ASSERT_TRUE(set_aside(files, {"/a.sock"}, 4));  // again, after a crash: the old one must not be overwritten
    EXPECT_EQ(files.content("/a.sock.g4"), "old");
    give_back(files, {"/a.sock", "/missing.sock"}, 4);
    EXPECT_EQ(files.content("/a.sock"), "old");
    EXPECT_EQ(files.exists("/a.sock.g4"), false);
}

}  // namespace
}  // namespace stasis::hypervisor::qemu
