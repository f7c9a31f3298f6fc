#!/usr/bin/env python3
"""The lab guest itself, without the program: does the witness see what it must see?

Everything that the other tests conclude rests on this: that a disk of another instant than memory is noticed, whether
it is earlier or later, that a reboot is noticed, and that the right disks are accepted.
"""
import shutil
import time
import unittest

import bare
import lab


class Witness(lab.GuestTest):
    def setUp(self):
        super().setUp()
        self.disks = [(lab.make_image(self.scratch.folder / f"{n}.qcow2"), "qcow2") for n in "ab"]
        self.guest = bare.Bare(self.scratch, "first", self.disks, boot="lab.fill=8 lab.dirty=2")

    def copy_disks(self, stage):
        for path, _ in self.disks:
            shutil.copy(path, path.with_suffix(f".{stage}"))

    def run_with_disks(self, name, stages):
        """Loads the saved memory beside the disks of the named stages; the status after a while."""
        disks = []
        for (path, image_format), stage in zip(self.disks, stages):
            copy = path.with_suffix(f".{name}")
            shutil.copy(path.with_suffix(f".{stage}"), copy)
            disks.append((copy, image_format))
        stream = self.scratch.folder / "memory"
        guest = bare.Bare(self.scratch, name, disks, boot="lab.fill=8 lab.dirty=2",
                          more=["-incoming", f"exec:cat {stream}"])
        lab.wait_until("the loaded memory", lambda: guest.qmp.command("query-status")["status"] == "paused")
        guest.qmp.command("cont")
        first = guest.ask("status")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            status = guest.ask("status")
            if status["errors"] or status["counter"] > first["counter"] + 80:
                break
        guest.close()
        return status

    def test_disks_of_another_instant_are_noticed(self):
        lab.wait_until("a hundred ticks", lambda: self.guest.ask("status")["counter"] > 100, 60)
        qmp = self.guest.qmp
        qmp.command("stop")
        self.copy_disks("earlier")
        qmp.command("cont")
        at = self.guest.ask("status")["counter"]
        lab.wait_until("ticks", lambda: self.guest.ask("status")["counter"] > at + 20)
        qmp.command("stop")
        self.copy_disks("same")
        qmp.command("migrate", uri=f"exec:cat > {self.scratch.folder}/memory")
        lab.wait_until("the saved memory", lambda: qmp.command("query-migrate").get("status") == "completed")
        before = self.guest
        before.qmp.command("cont")
        nonce = before.ask("status")["nonce"]
        at = before.ask("status")["counter"]
        lab.wait_until("ticks", lambda: before.ask("status")["counter"] > at + 20)
        before.qmp.command("stop")
        self.copy_disks("later")
        before.close()

        good = self.run_with_disks("good", ["same", "same"])
        self.assert_one_instant(good)
        self.assertEqual(good["nonce"], nonce)
        for stages in (["later", "later"], ["same", "later"], ["earlier", "same"]):
            bad = self.run_with_disks("-".join(stages), stages)
            self.assertGreater(bad["errors"], 0, f"disks {stages} passed for the right ones")
            self.assertIn("different instants", bad["first_error"])

    def test_commands(self):
        ask = self.guest.ask
        first = ask("status")
        self.assertEqual(ask("get a"), {"value": None})
        ask("set a hello")
        ask("set a hello2")
        self.assertEqual(ask("get a"), {"value": "hello2"})
        ask("write vdb 0x2000000 word")
        self.assertEqual(ask("read 1 0x2000000"), {"value": "word"})
        self.assertIn("error", ask("read vdz 0"))
        self.assertIn("error", ask("read vda 7"))
        ask("hold")
        held = ask("status")
        time.sleep(0.1)
        self.assertEqual(ask("status")["counter"], held["counter"])
        ask("go")
        lab.wait_until("the count to go on", lambda: ask("status")["counter"] > held["counter"])
        self.assertEqual(ask("verify")["bad"], 0)
        self.assertGreater(ask("status")["dirtied_pages"], first["dirtied_pages"])
        self.assertEqual(ask("status")["errors"], 0)

    def test_power_button(self):
        self.guest.ask("status")
        self.guest.qmp.command("system_powerdown")
        self.guest.process.wait(timeout=20)

    def test_two_boots_have_two_nonces(self):
        first = self.guest.ask("status")["nonce"]
        self.guest.close()
        again = bare.Bare(self.scratch, "again", self.disks)
        self.assertNotEqual(again.ask("status")["nonce"], first)


if __name__ == "__main__":
    lab.main()
