#!/usr/bin/env python3
"""Reverting in its forms: running, paused, of disks only, of a stopped domain; and what must hold when it is refused."""
import lab

WORD_AT = 0x2000000


class Revert(lab.GuestTest):
    def setUp(self):
        super().setUp()
        self.guest = lab.Guest(self.scratch).up()
        self.nonce = self.guest.status()["nonce"]

    def word(self, word):
        for target in self.guest.paths:
            self.guest.ask(f"write {target} {WORD_AT} {word}")

    def words(self):
        return {self.guest.ask(f"read {target} {WORD_AT}")["value"] for target in self.guest.paths}

    def test_states(self):
        guest = self.guest
        guest.create("s")
        guest.revert("s", "--paused")
        self.assertEqual(guest.state(), "paused")
        guest.stasis("resume")
        self.assert_runs_on(guest, self.nonce)
        guest.stasis("suspend")
        self.assertEqual(guest.state(), "paused")
        created = guest.create("p")
        self.assertEqual(guest.state(), "paused", "a snapshot of a paused guest let it run")
        self.assertIsNone(created.get("pause_us"))
        guest.stasis("resume")
        self.assert_runs_on(guest, self.nonce)
        guest.revert("p")
        self.assertEqual(guest.state(), "paused", "a snapshot of a paused guest comes back paused")
        done = guest.revert("p", "--running")
        self.assertEqual(done["state"], "running")
        self.assert_runs_on(guest, self.nonce)
        guest.revert("s", "--running")
        self.assert_runs_on(guest, self.nonce)
        self.assert_one_instant(guest.wait_counting(70))

    def disk_only(self, kind):
        guest = self.guest
        self.word("kept")
        before = guest.status()
        created = guest.create("d", "--disk-only", f"--{kind}")
        self.assertEqual(created["memory_method"], "none")
        self.assert_runs_on(guest, self.nonce)
        self.word("lost")
        guest.revert("d")
        self.assertEqual(guest.state(), "shut off", "a snapshot without memory comes back shut off")
        guest.start()
        self.assertNotEqual(guest.wait_counting(timeout=60)["nonce"], self.nonce)
        self.assertEqual(self.words(), {"kept"})
        self.word("lost again")
        guest.revert("d", "--running")
        self.assertEqual(guest.state(), "running")
        status = guest.wait_counting(timeout=60)
        self.assertEqual(status["errors"], 0, status["first_error"])
        self.assertEqual(self.words(), {"kept"})
        self.assertGreater(before["counter"], 0)

    def test_disk_only_external(self):
        self.disk_only("external")

    def test_disk_only_internal(self):
        self.disk_only("internal")

    def test_stopped_domain(self):
        guest = self.guest
        for kind in ("external", "internal"):
            self.word(kind)
            guest.stasis("shutdown")
            lab.wait_until("the guest to power off", lambda: guest.state() == "shut off")
            created = guest.create(kind, f"--{kind}")
            self.assertIsNone(created.get("pause_us"))
            self.assertEqual(created["memory_method"], "none")
            guest.start()
            guest.wait_counting(timeout=60)
            self.assertEqual(self.words(), {kind})
            self.word("lost")
            guest.revert(kind)
            self.assertEqual(guest.state(), "shut off")
            guest.start()
            guest.wait_counting(timeout=60)
            self.assertEqual(self.words(), {kind})


if __name__ == "__main__":
    lab.main()
