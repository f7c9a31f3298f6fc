#!/usr/bin/env python3
"""How long a guest stands still for a snapshot, and how long a revert takes to a running guest: the program beside the
plain QMP sequence done by hand, with the same guest, in the same run. Medians over N rounds.

The sequence by hand is what QEMU's documentation offers: stop, one transaction of blockdev-snapshot, migrate with
background-snapshot to a file; and for the way back a new QEMU with -incoming that reads all of memory before it runs.
Its overlays are made and opened before the pause, as ours are. Pauses of both are from QEMU's STOP and RESUME events.

    bench_pause.py [--rounds N] [--memory MiB] [--fill MiB]
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "guest"))
sys.dont_write_bytecode = True
import bare  # noqa: E402  (its folder had to be named first)
import lab  # noqa: E402


def ours(options, words):
    """Pauses and times to RESUME of the program, in microseconds."""
    scratch = lab.Scratch()
    try:
        guest = lab.Guest(scratch, memory=options.memory, boot=words).up()
        pauses, resumes, completes = [], [], []
        for number in range(options.rounds):
            created = guest.create(f"s{number}", "--external")
            pauses.append(created["pause_us"])
            completes.append(created["complete_us"])
            resumes.append(guest.revert(f"s{number}")["resume_us"])
            guest.wait_counting(70)
            guest.delete(f"s{number}")
        if guest.status()["errors"]:
            sys.exit("bench: the guest found memory and disks of different instants; these numbers mean nothing")
        return pauses, completes, resumes
    finally:
        scratch.close()


class ByHand:
    """One guest and the plain QMP sequence on it."""

    def __init__(self, options, words):
        self.scratch = lab.Scratch()
        self.options, self.words = options, words
        self.disks = [lab.make_image(self.scratch.folder / f"{n}-base.qcow2") for n in "ab"]
        self.guest = bare.Bare(self.scratch, "hand", [(path, "qcow2") for path in self.disks], options.memory, words)
        lab.wait_until("the guest to count", lambda: self.guest.ask("status")["counter"] > 3, 90)
        self.active = ["disk0", "disk1"]

    def snapshot(self, number):
        """(pause, time to a complete snapshot), in microseconds."""
        qmp, began = self.guest.qmp, time.monotonic()
        overlays = []
        for i, below in enumerate(self.disks):
            overlay = lab.make_image(self.scratch.folder / f"{i}-{number}.qcow2", backing=(below, "qcow2"))
            qmp.command("blockdev-add", **{"node_name": f"over{i}-{number}", "driver": "qcow2", "backing": None,
                                           "file": {"driver": "file", "filename": str(overlay)}})
            overlays.append(overlay)
        qmp.command("migrate-set-capabilities", capabilities=[{"capability": "background-snapshot", "state": True}])
        qmp.command("stop")
        stop = qmp.event("STOP")
        qmp.command("transaction", actions=[
            {"type": "blockdev-snapshot", "data": {"node": self.active[i], "overlay": f"over{i}-{number}"}} for i in (0, 1)])
        qmp.command("migrate", uri=f"exec:cat > {self.scratch.folder}/memory-{number}")
        resume = qmp.event("RESUME")
        lab.wait_until("memory", lambda: qmp.command("query-migrate").get("status") == "completed", 300)
        self.frozen, self.disks = self.disks, overlays
        return bare.event_us(resume) - bare.event_us(stop), (time.monotonic() - began) * 1e6

    def revert(self, number):
        """Microseconds from the start to RESUME of a new QEMU on fresh overlays."""
        began = time.time()
        self.guest.close()
        self.disks = [lab.make_image(self.scratch.folder / f"{i}-{number}-back.qcow2", backing=(below, "qcow2"))
                      for i, below in enumerate(self.frozen)]
        self.guest = bare.Bare(self.scratch, f"hand{number}", [(path, "qcow2") for path in self.disks], self.options.memory,
                               self.words, more=["-S", "-incoming", f"exec:cat {self.scratch.folder}/memory-{number}"])
        qmp = self.guest.qmp
        lab.wait_until("the loaded memory", lambda: qmp.command("query-status")["status"] != "inmigrate", 300, 0.002)
        qmp.command("cont")
        resumed = bare.event_us(qmp.event("RESUME"))
        self.active = ["disk0", "disk1"]
        before = self.guest.ask("status")["counter"]
        lab.wait_until("ticks", lambda: self.guest.ask("status")["counter"] > before + 70)
        return resumed - began * 1e6


def by_hand(options, words):
    hand = ByHand(options, words)
    try:
        pauses, completes, resumes = [], [], []
        for number in range(options.rounds):
            pause, complete = hand.snapshot(number)
            pauses.append(pause)
            completes.append(complete)
            resumes.append(hand.revert(number))
        if hand.guest.ask("status")["errors"]:
            sys.exit("bench: the guest by hand found memory and disks of different instants")
        return pauses, completes, resumes
    finally:
        hand.scratch.close()


def cell(values):
    return f"{statistics.median(values) / 1000:.1f} ({min(values) / 1000:.1f} to {max(values) / 1000:.1f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--memory", type=int, default=512)
    parser.add_argument("--fill", type=int, default=256)
    options = parser.parse_args()
    words = f"lab.fill={options.fill} lab.dirty=8"
    version = subprocess.run(["qemu-system-x86_64", "--version"], text=True, capture_output=True, check=True).stdout
    print(f"pause: guest of {options.memory} MiB, {options.fill} MiB of it filled and 8 MiB/s of that rewritten, two qcow2 "
          f"disks; {options.rounds} rounds; {version.splitlines()[0]}")
    results = {"stasis": ours(options, words), "QMP by hand": by_hand(options, words)}
    print(f"\n{'ms: median (min to max)':<28}" + "".join(f"{name:<28}" for name in results))
    for row, label in enumerate(("guest stands still", "snapshot complete", "revert to RESUME")):
        print(f"{label:<28}" + "".join(f"{cell(values[row]):<28}" for values in results.values()))
    print("\n" + json.dumps({name: {key: statistics.median(values[row]) for row, key in
                                    enumerate(("pause_us", "complete_us", "resume_us"))} for name, values in results.items()}))


main()
