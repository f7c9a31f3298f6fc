#!/usr/bin/env python3
"""A domain's life on a real guest: define, start, suspend, resume, shutdown, destroy, undefine, and what is printed."""
import lab


class Life(lab.GuestTest):
    def test_life(self):
        guest = lab.Guest(self.scratch)
        guest.define()
        self.assertEqual(guest.state(), "shut off")
        self.assert_refused("invalid", "suspend", guest=guest)
        guest.up()
        self.assertEqual(guest.state(), "running")
        info = guest.info()
        self.assertIn(info["accelerator"], ("kvm", "tcg"))
        self.assertTrue(lab.is_alive(info["process_id"]))
        self.assertRegex(info["machine"], r"q35-\d", "the machine type is pinned to a version")
        self.assertEqual([disk["target"] for disk in info["disks"]], ["vda", "vdb"])
        listed = self.scratch.stasis("list", "--all")["domains"]
        self.assertEqual([(d["name"], d["state"]) for d in listed], [("lab", "running")])
        self.assertIn("lab", self.scratch.text("list"))
        self.assertIn("<name>lab</name>", self.scratch.text("dumpxml", "lab"))
        nonce = guest.status()["nonce"]
        guest.stasis("suspend")
        self.assertEqual(guest.state(), "paused")
        guest.stasis("resume")
        self.assert_runs_on(guest, nonce)
        self.assert_refused(("invalid", "exists"), "start", guest=guest)
        guest.stasis("shutdown")
        lab.wait_until("the guest to power off", lambda: guest.state() == "shut off")
        guest.start("--paused")
        self.assertEqual(guest.state(), "paused")
        pid = guest.pid()
        guest.stasis("destroy")
        self.assertEqual(guest.state(), "shut off")
        self.assertFalse(lab.is_alive(pid))
        guest.stasis("undefine")
        self.assertEqual(self.scratch.stasis("list", "--all")["domains"], [])

    def test_guest_that_powers_off_by_itself(self):
        guest = lab.Guest(self.scratch).up()
        guest.talker.line.sendall(b"\npoweroff\n")
        lab.wait_until("the guest to power off", lambda: guest.state() == "shut off")
        guest.start()
        self.assert_one_instant(guest.wait_counting(timeout=60))

    def test_raw_disk_and_other_tool_see_the_same(self):
        guest = lab.Guest(self.scratch, disks=("raw", "qcow2")).up()
        nonce = guest.status()["nonce"]
        created = guest.create("s")
        self.assertEqual({d["target"]: d["mode"] for d in created["disks"]}["vda"], "external", "raw has no snapshots inside")
        self.assert_runs_on(guest, nonce)
        guest.revert("s")
        self.assert_runs_on(guest, nonce)
        self.assert_one_instant(guest.wait_counting(70))
        guest.delete("s")
        self.assert_runs_on(guest, nonce)


if __name__ == "__main__":
    lab.main()
