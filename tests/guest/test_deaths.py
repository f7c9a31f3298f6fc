#!/usr/bin/env python3
"""QEMU killed at chosen moments of a snapshot, and the program stopped in the middle of one while a second comes."""
import os
import signal
import time

import lab

WORD_AT = 0x2000000
LOCK_WAIT_S = 3


class QemuDies(lab.GuestTest):
    def setUp(self):
        super().setUp()
        self.guest = lab.Guest(self.scratch, boot="lab.fill=100")
        self.guest.up()
        self.clean = lab.listing(self.scratch.root)

    def kill_during(self, delay, *arguments):
        """Starts a command, kills QEMU after `delay` seconds; the Refused, or None when the command was faster."""
        pid = self.guest.pid()
        process = self.scratch.start(*arguments)
        time.sleep(delay)
        if lab.is_alive(pid):
            os.kill(pid, signal.SIGKILL)
        try:
            self.scratch.finish(process, arguments)
            return None
        except lab.Refused as refused:
            return refused

    def test_during_a_snapshot(self):
        guest, outcomes = self.guest, []
        for number, delay in enumerate((0.02, 0.05, 0.1, 0.2, 0.35, 0.6)):
            guest.ask(f"write vda {WORD_AT} w{number}")
            guest.ask(f"write vdb {WORD_AT} w{number}")
            name = f"k{number}"
            refused = self.kill_during(delay, "snapshot-create", guest.name, f"--name={name}", "--external")
            outcomes.append((delay, "refused" if refused else "done"))
            lab.wait_until("the state to be seen", lambda: guest.state() in ("shut off", "crashed"))
            if refused:
                self.assertNotIn(name, guest.snapshots())
                self.assertTrue(refused.message)
                self.assertEqual(lab.listing(self.scratch.root), self.clean, f"files were left behind after {delay} s")
            elif name in guest.snapshots():
                guest.delete(name)
            guest.start()
            status = guest.wait_counting(timeout=60)
            self.assertEqual(status["errors"], 0, status["first_error"])
            for target in guest.paths:
                self.assertEqual(guest.ask(f"read {target} {WORD_AT}")["value"], f"w{number}", "a synced write was lost")
        print(outcomes, flush=True)
        self.assertTrue(any(o == "refused" for _, o in outcomes), "no kill came in time; the test shows nothing")

    def test_during_a_revert(self):
        guest = self.guest
        guest.create("s")
        guest.ask("set phase changed")
        for delay in (0.03, 0.15):
            self.kill_during(delay, "snapshot-revert", guest.name, "s")
            guest.revert("s")
            self.assertIsNone(guest.ask("get phase")["value"])
            self.assert_one_instant(guest.wait_counting(70))
            guest.ask("set phase changed")


class TwoCommands(lab.GuestTest):
    def setUp(self):
        super().setUp()
        self.guest = lab.Guest(self.scratch, boot="lab.fill=100")
        self.guest.up()
        self.nonce = self.guest.status()["nonce"]

    def test_second_waits_its_turn(self):
        arguments = ("snapshot-create", self.guest.name, "--name=first", "--external")
        first = self.scratch.start(*arguments)
        self.guest.create("second", "--external")
        self.scratch.finish(first, arguments)
        self.assertEqual(sorted(self.guest.snapshots()), ["first", "second"])
        self.assert_runs_on(self.guest, self.nonce)

    def stopped_in_the_middle(self, arguments):
        """Starts a command and stops its process when its first file has appeared."""
        before = lab.listing(self.scratch.root)
        process = self.scratch.start(*arguments)
        self.addCleanup(process.kill)
        lab.wait_until("the first file", lambda: lab.listing(self.scratch.root) != before or process.poll() is not None,
                       interval=0.002)
        process.send_signal(signal.SIGSTOP)
        self.assertIsNone(process.poll(), "the command was over before it could be stopped")
        return process

    def test_second_is_told_who_holds_it(self):
        arguments = ("snapshot-create", self.guest.name, "--name=first", "--external")
        first = self.stopped_in_the_middle(arguments)
        began = time.monotonic()
        for reading in ("dominfo", "domstate", "snapshot-list", "dumpxml"):
            self.guest.stasis(reading, timeout=5)
        self.assertLess(time.monotonic() - began, 5, "reading waited for the writer")
        began = time.monotonic()
        error = self.assert_refused("busy", "snapshot-create", "--name=second", f"--lock-wait={LOCK_WAIT_S}", guest=self.guest)
        waited = time.monotonic() - began
        self.assertGreater(waited, LOCK_WAIT_S * 0.5)
        self.assertLess(waited, LOCK_WAIT_S * 3)
        self.assertIn("snapshot-create", error.message)
        self.assertIn(str(first.pid), error.message)
        first.send_signal(signal.SIGCONT)
        self.scratch.finish(first, arguments)
        self.assertEqual(self.guest.snapshots(), ["first"])
        self.assert_runs_on(self.guest, self.nonce)

    def test_program_killed_in_the_middle(self):
        arguments = ("snapshot-create", self.guest.name, "--name=first", "--external")
        clean = lab.listing(self.scratch.root)
        first = self.stopped_in_the_middle(arguments)
        first.kill()
        first.communicate()
        self.guest.create("second", "--external")
        self.assertEqual(self.guest.snapshots(), ["second"])
        self.assert_runs_on(self.guest, self.nonce)
        self.guest.revert("second")
        self.assert_runs_on(self.guest, self.nonce)
        self.guest.delete("second")
        self.assert_one_instant(self.guest.wait_counting(70))
        self.assertEqual(lab.listing(self.scratch.root), clean, "files were left behind")


if __name__ == "__main__":
    lab.main()
