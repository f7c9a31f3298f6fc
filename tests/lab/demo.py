#!/usr/bin/env python3
"""./dev demo: a live snapshot of a small real guest, taken and reverted before your eyes. Leaves nothing behind."""
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "guest"))
sys.dont_write_bytecode = True
import lab  # noqa: E402  (its folder had to be named first)

COLOURS = {"head": "1;36", "good": "1;32", "bad": "1;31", "dim": "2", "number": "1"}
WORD_AT = 0x2000000


def paint(kind, text):
    return f"\033[{COLOURS[kind]}m{text}\033[0m" if sys.stdout.isatty() else str(text)


def head(text):
    print("\n" + paint("head", text), flush=True)


def line(label, value, note=""):
    print(f"  {label:<28}{value}{'  ' + paint('dim', note) if note else ''}", flush=True)


def command(*words):
    print(paint("dim", "  $ stasis " + " ".join(words)), flush=True)


def ms(microseconds):
    return paint("number", f"{microseconds / 1000:.1f} ms")


def mark(guest, word):
    """Keeps a word in the guest's memory and writes it to both disks."""
    guest.ask(f"set word {word}")
    for target in guest.paths:
        guest.ask(f"write {target} {WORD_AT} {word}")


def look(guest):
    """What the guest says of itself, row by row."""
    status = guest.status()
    rows = {"nonce (memory only)": status["nonce"], "word in memory": guest.ask("get word")["value"]}
    for target in guest.paths:
        rows[f"word on {target}"] = guest.ask(f"read {target} {WORD_AT}")["value"]
    rows["counter in memory"] = status["counter"]
    for number, target in enumerate(guest.paths):
        rows[f"counter on {target}"] = status[f"disk{number}"]
    rows["disagreements found"] = status["errors"]
    return rows


def table(columns):
    names = list(columns)
    print("  " + paint("dim", f"{'':<22}" + "".join(f"{name:<20}" for name in names)))
    for row in columns[names[0]]:
        print(f"  {row:<22}" + "".join(f"{columns[name][row]!s:<20}" for name in names), flush=True)


def boot(scratch):
    head("A small Linux guest with two qcow2 disks")
    guest = lab.Guest(scratch, name="demo", boot="lab.fill=64 lab.dirty=8")
    guest.define()
    began = time.monotonic()
    command("start", "demo")
    guest.start()
    guest.wait_counting(timeout=90)
    info = guest.info()
    line("answers after", f"{time.monotonic() - began:.1f} s", f"{guest.memory} MiB, {info['machine']}, {info['accelerator']}")
    print("  Inside, a witness counts in memory and writes each count to both disks with sync; before each write it\n"
          "  reads the disk back and compares it with what memory says. 64 MiB of memory change all the time.")
    return guest


def take(guest, name):
    command("snapshot-create", "demo", f"--name={name}")
    created = guest.create(name)
    line("the guest stood still for", ms(created["pause_us"]), "from STOP to RESUME")
    line("complete after", f"{created['complete_us'] / 1e6:.2f} s", f"{created['memory_file_bytes'] / lab.MIB:.0f} MiB for "
         f"{created['memory_guest_bytes'] / lab.MIB:.0f} MiB of memory, {created['memory_method']}")
    return created


def verdict(before, after, status):
    """Whether the guest is back, memory and both disks at one and the same instant."""
    words = [row for row in before if row.startswith(("word", "nonce"))]
    counters = {value for row, value in after.items() if row.startswith("counter")}
    good = all(before[row] == after[row] for row in words) and status["errors"] == 0 and len(counters) == 1
    if good:
        print("\n  " + paint("good", "Memory and both disks are back at one and the same instant, and the guest counts on."))
    else:
        print("\n  " + paint("bad", f"Memory and disks do NOT agree: {status['first_error'] or after}"))
    return good


def show(guest):
    mark(guest, "precious")
    before = look(guest)
    head("A live snapshot of memory and both disks")
    created = take(guest, "before")
    head("The guest goes on and changes everything")
    mark(guest, "spoiled")
    guest.wait_counting(150)
    changed = look(guest)
    table({"before": before, "now": changed})
    take(guest, "spoiled")
    head("Back")
    command("snapshot-revert", "demo", "before")
    reverted = guest.revert("before")
    after = look(guest)
    line("it runs again after", ms(reverted["resume_us"]), "from holding the lock of the domain to RESUME")
    table({"before": before, "changed": changed, "after the revert": after})
    # More ticks than the witness has places on a disk, so that it has compared every one of them with memory.
    good = verdict(before, after, guest.wait_counting(70))
    head("From here a second branch")
    take(guest, "another-way")
    command("snapshot-list", "demo", "--tree")
    print("\n".join("  " + text for text in guest.scratch.text("snapshot-list", "demo", "--tree").rstrip().splitlines()))
    head("In short")
    line("pause of the guest", ms(created["pause_us"]))
    line("time to a running guest", ms(reverted["resume_us"]))
    return good


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    scratch = lab.Scratch()
    try:
        good = show(boot(scratch))
    except lab.Refused as refused:
        print(paint("bad", f"\n{refused}"), file=sys.stderr)
        good = False
    except KeyboardInterrupt:
        good = False
    finally:
        scratch.close()
    line("all of it took", f"{time.monotonic() - began:.0f} s", "the guest and its files are removed again")
    sys.exit(0 if good else 1)


main()
