#!/usr/bin/env python3
"""Where write tracking is not to be had, a snapshot is a stopped save, or with --live a precopy save, and says why."""
import pathlib
import shutil

import lab

SYSCTL = pathlib.Path("/proc/sys/vm/unprivileged_userfaultfd")


class Fallback(lab.GuestTest):
    def check_both(self, guest):
        nonce = guest.status()["nonce"]
        created = guest.create("stopped", "--external")
        self.assertEqual(created["memory_method"], "stopped")
        self.assertTrue(created["fallback_reason"], "it fell back and does not say why")
        stopped_pause = created["pause_us"]
        self.assertGreater(stopped_pause, 0)
        self.assert_runs_on(guest, nonce)
        created = guest.create("live", "--live", "--external")
        self.assertEqual(created["memory_method"], "precopy")
        self.assertTrue(created["fallback_reason"])
        self.assertGreater(created["pause_us"], 0)
        self.assert_runs_on(guest, nonce)
        for name in ("stopped", "live"):
            guest.ask("set phase changed")
            guest.revert(name)
            self.assertIsNone(guest.ask("get phase")["value"])
            self.assert_runs_on(guest, nonce)
            self.assert_one_instant(guest.wait_counting(70))
            self.assertEqual(guest.ask("verify", 60)["bad"], 0)

    def test_memory_that_cannot_be_tracked(self):
        """A second memory block in a shared file of a disk file system: QEMU refuses to track writes to it."""
        if self.filesystem() == "tmpfs":
            self.skipTest("the scratch folder is a tmpfs, whose files can be tracked")
        dimm = self.scratch.folder / "dimm"
        guest = lab.Guest(self.scratch, boot="lab.fill=8 lab.dirty=1", qemu_args=[
            "-m", "slots=1,maxmem=1G", "-object", f"memory-backend-file,id=dimm,size=128M,mem-path={dimm},share=on",
            "-device", "pc-dimm,memdev=dimm"]).up()
        nonce = guest.status()["nonce"]
        created = guest.create("stopped", "--external")
        self.assertEqual(created["memory_method"], "stopped")
        self.assertTrue(created["fallback_reason"])
        self.assert_runs_on(guest, nonce)

    def filesystem(self):
        mounts = [line.split()[1:3] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        folder = str(self.scratch.folder)
        return max((m for m in mounts if folder.startswith(m[0])), key=lambda m: len(m[0]))[1]

    def test_no_privilege(self):
        """Without CAP_SYS_PTRACE the kernel refuses write tracking of what the kernel itself writes."""
        if SYSCTL.exists() and SYSCTL.read_text().strip() != "0":
            self.skipTest("this kernel lets everybody track writes (vm.unprivileged_userfaultfd)")
        if not shutil.which("setpriv"):
            self.skipTest("no setpriv")
        self.scratch.wrapper = ["setpriv", "--bounding-set=-sys_ptrace"]
        self.check_both(lab.Guest(self.scratch, boot="lab.fill=8 lab.dirty=1").up())


if __name__ == "__main__":
    lab.main()
