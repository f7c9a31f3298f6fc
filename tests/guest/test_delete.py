#!/usr/bin/env python3
"""Deleting snapshots while the guest writes: a leaf, a whole line, internal ones; no byte of the guest is lost and no
file stays behind."""
import lab

WORD_AT = 0x2000000


class Delete(lab.GuestTest):
    def setUp(self):
        super().setUp()
        self.guest = lab.Guest(self.scratch, boot="lab.fill=8 lab.dirty=4").up()
        self.nonce = self.guest.status()["nonce"]
        self.clean = lab.listing(self.scratch.root)

    def fill_words(self, number):
        for target in self.guest.paths:
            self.guest.ask(f"write {target} {WORD_AT + number * 4096} w{number}")

    def assert_words(self, count):
        for target in self.guest.paths:
            for number in range(count):
                self.assertEqual(self.guest.ask(f"read {target} {WORD_AT + number * 4096}")["value"], f"w{number}")

    def line(self, kind, count=3):
        for number in range(count):
            self.fill_words(number)
            self.guest.create(f"{kind}{number}", f"--{kind}")
        self.fill_words(count)

    def check_gone(self, count):
        self.assertEqual(self.guest.snapshots(), [])
        self.assert_words(count + 1)
        self.assert_runs_on(self.guest, self.nonce)
        self.assert_one_instant(self.guest.wait_counting(70))
        self.assertEqual(lab.listing(self.scratch.root), self.clean, "files were left behind")
        self.assertEqual(self.guest.info()["disks"][0]["depth"], 1)

    def test_leaf_by_leaf(self):
        self.line("external")
        for number in (2, 1, 0):
            self.guest.delete(f"external{number}")
            self.assert_runs_on(self.guest, self.nonce)
        self.check_gone(3)

    def test_whole_line(self):
        self.line("external")
        deleted = self.guest.delete("external0", "--children")
        self.assertEqual(sorted(deleted["deleted"]), ["external0", "external1", "external2"])
        self.check_gone(3)

    def test_part_of_a_line(self):
        self.line("external")
        self.guest.delete("external1", "--children")
        self.assertEqual(self.guest.snapshots(), ["external0"])
        self.assert_words(4)
        self.guest.revert("external0")
        self.assert_runs_on(self.guest, self.nonce)
        self.assert_words(1)

    def test_internal(self):
        self.line("internal")
        self.guest.delete("internal2")
        self.guest.delete("internal0", "--children")
        self.check_gone(3)

    def test_stopped(self):
        self.line("external", 2)
        self.guest.stasis("destroy")
        self.guest.delete("external0", "--children")
        self.assertEqual(self.guest.snapshots(), [])
        self.guest.start()
        self.guest.wait_counting(timeout=60)
        self.assert_words(3)
        self.guest.stasis("destroy")

    def test_dry_run_changes_nothing(self):
        self.line("external", 2)
        files = lab.listing(self.scratch.folder)
        explained = self.guest.delete("external0", "--children", "--dry-run")
        self.assertTrue(explained["plan"]["steps"])
        self.assertEqual(self.guest.snapshots(), ["external0", "external1"])
        self.assertEqual(lab.listing(self.scratch.folder), files)
        self.assert_runs_on(self.guest, self.nonce)


if __name__ == "__main__":
    lab.main()
