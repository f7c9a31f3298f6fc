#!/usr/bin/env python3
"""./dev guest: a lab guest to play with. Starts it, then opens a shell in which `stasis` is the program and `lab` the
domain; `console` in it connects to the guest's own shell. Everything is removed when the shell ends."""
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import termios
import tty

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "guest"))
sys.dont_write_bytecode = True
import lab  # noqa: E402  (its folder had to be named first)

LEAVE = b"\x1d"  # Ctrl-]

RC = """
[ -f ~/.bashrc ] && . ~/.bashrc
export STASIS_ROOT='{root}' PATH='{bin}':"$PATH"
console() {{ '{python}' -B '{here}' --console '{serial}'; }}
complete -r stasis 2>/dev/null; eval "$(stasis completion bash 2>/dev/null)"
PS1='(stasis lab) \\w\\$ '
cat <<'TEXT'

The domain 'lab' runs. Try:
  stasis list
  stasis snapshot-create lab --name first
  console                       the guest's shell; "witness status" shows its counters; leave with Ctrl-]
  stasis snapshot-revert lab first
  stasis snapshot-list lab --tree
Leave with "exit": the guest and all its files are then removed.
TEXT
"""


def console(path):
    """Connects the terminal to a guest's serial line until Ctrl-]."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(path)
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    mode = termios.tcgetattr(keyboard)
    print("(Ctrl-] leaves)", flush=True)
    try:
        tty.setraw(keyboard)
        line.sendall(b"\n")
        while True:
            ready, _, _ = select.select([keyboard, line], [], [])
            if line in ready:
                text = line.recv(4096)
                if not text:
                    break
                os.write(screen, text)
            if keyboard in ready:
                text = os.read(keyboard, 4096)
                if not text or LEAVE in text:
                    break
                line.sendall(text)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, mode)
        print()


def play():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scratch = lab.Scratch()
    try:
        guest = lab.Guest(scratch, boot="lab.shell=1 lab.fill=32 lab.dirty=4")
        guest.define()
        guest.start()
        rc = scratch.folder / "bashrc"
        rc.write_text(RC.format(root=scratch.root, bin=pathlib.Path(lab.PROGRAM).parent, python=sys.executable,
                                here=pathlib.Path(__file__).resolve(), serial=guest.serial))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        subprocess.run(["bash", "--rcfile", str(rc), "-i"], check=False)
    finally:
        scratch.close()


if len(sys.argv) == 3 and sys.argv[1] == "--console":
    console(sys.argv[2])
else:
    play()
