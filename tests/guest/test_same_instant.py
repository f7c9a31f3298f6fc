#!/usr/bin/env python3
"""The main promise, on one guest, 30 times: a snapshot of memory and all disks of a running guest is of one instant,
and a revert continues from exactly that instant. Half of the rounds take the disks externally, half internally, at
random moments; old snapshots are deleted as the test goes, one by one or as a whole line, while the guest writes."""
import os
import time

import lab

ROUNDS = int(os.environ.get("STASIS_ROUNDS", "30"))
LINE = 3  # so many snapshots stand in a line before it is deleted
WORD_AT = 0x2000000
PAUSE_US_MAX = 3_000_000


class SameInstant(lab.GuestTest):
    def mark(self, guest, word):
        """Keeps a word in memory and writes it to both disks."""
        guest.ask(f"set phase {word}")
        for target in guest.paths:
            guest.ask(f"write {target} {WORD_AT} {word}")

    def assert_marked(self, guest, word):
        self.assertEqual(guest.ask("get phase")["value"], word)
        for target in guest.paths:
            self.assertEqual(guest.ask(f"read {target} {WORD_AT}")["value"], word, target)

    def check_created(self, created, kind):
        self.assertEqual(created["memory_method"], "background", created.get("fallback_reason"))
        self.assertGreater(created["pause_us"], 0)
        self.assertLess(created["pause_us"], PAUSE_US_MAX)
        self.assertGreater(created["complete_us"], created["pause_us"])
        self.assertGreater(created["memory_file_bytes"], 0)
        self.assertEqual([disk["mode"] for disk in created["disks"]], [kind, kind])

    def one_round(self, guest, chance, name, kind):
        before = guest.status()
        self.mark(guest, name)
        time.sleep(chance.uniform(0, 0.3))
        created = guest.create(name, f"--{kind}")
        self.check_created(created, kind)
        self.assert_runs_on(guest, before["nonce"])

        self.mark(guest, "changed")
        time.sleep(chance.uniform(0, 0.3))
        changed = guest.wait_counting(20)
        self.assert_one_instant(changed)

        reverted = guest.revert(name)
        self.assertEqual(reverted["state"], "running")
        self.assertGreater(reverted["resume_us"], 0)
        self.assert_marked(guest, name)
        after = self.assert_runs_on(guest, before["nonce"])
        self.assertGreater(after["counter"], before["counter"])
        # More ticks than the witness has places on a disk: it has then compared each of them with its memory.
        self.assert_one_instant(guest.wait_counting(70))
        self.assertEqual(guest.ask("verify", 60)["bad"], 0)
        print(f"{name}: {kind}, pause {created['pause_us'] / 1000:.1f} ms, complete {created['complete_us'] / 1e6:.2f} s, "
              f"back in {reverted['resume_us'] / 1000:.0f} ms", flush=True)

    def test_rounds(self):
        chance = lab.seed()
        guest = lab.Guest(self.scratch, boot="lab.fill=16 lab.dirty=4").up()
        lines = (ROUNDS + LINE - 1) // LINE
        kinds = (["external", "internal"] * lines)[:lines]
        chance.shuffle(kinds)
        line = []
        for number in range(ROUNDS):
            name = f"r{number:02}"
            self.one_round(guest, chance, name, kinds[number // LINE])
            line.append(name)
            if len(line) == LINE:
                self.clear(guest, line, whole=chance.random() < 0.5)
                line = []
        self.clear(guest, line, whole=True)
        self.assert_one_instant(guest.wait_counting(70))

    def clear(self, guest, line, whole):
        """Deletes a line of snapshots, whole or from its end, while the guest writes."""
        if not line:
            return
        if whole:
            guest.delete(line[0], "--children")
        else:
            for name in reversed(line):
                guest.delete(name)
        self.assertEqual(guest.snapshots(), [])
        self.assert_runs_on(guest)


if __name__ == "__main__":
    lab.main()
