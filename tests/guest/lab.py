"""What the guest tests, the demo and the benchmarks share: a scratch folder, the program run through its command
line, and Guest, a lab guest (tests/lab) that the program defines, starts and stops.

Everything a test makes lives in one scratch folder, which close() removes whatever happened. A guest is ended by the
program; only if that fails is the process killed that `dominfo` named as the guest's.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("STASIS_BUILD", ROOT / "build"))
PROGRAM = os.environ.get("STASIS_PROGRAM", str(BUILD / "stasis"))
LAB = BUILD / "lab"
MIB = 1 << 20
BOOT_WORDS = "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off no_timer_check"


class Refused(Exception):
    """The program ended with an error. `kind` is one of the documented kinds."""

    def __init__(self, arguments, code, error, stderr):
        self.code, self.error, self.stderr = code, error, stderr
        self.kind = error.get("kind", "")
        self.message = error.get("message", "") or stderr.strip()
        super().__init__(f"stasis {' '.join(arguments)}: exit {code}: {self.message}")


def wait_until(what, condition, timeout=30.0, interval=0.05):
    """Polls `condition` until it is true and returns its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}")
        time.sleep(interval)


def make_image(path, size="64M", image_format="qcow2", backing=None):
    command = ["qemu-img", "create", "-q", "-f", image_format]
    if backing:
        command += ["-b", str(backing[0]), "-F", backing[1]]
    subprocess.run(command + [str(path)] + ([] if backing else [size]), check=True)
    return path


def is_alive(pid):
    """Whether the process exists and is no zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def listing(folder):
    """The files below `folder`, as a set of relative names, without what SQLite, locks and a running guest bring."""
    folder = pathlib.Path(folder)
    passing = ("-wal", "-shm", "-journal", ".lock", ".log")
    return {str(path.relative_to(folder)) for path in folder.rglob("*")
            if path.is_file() and not path.name.endswith(passing) and "run" not in path.relative_to(folder).parts}


class Scratch:
    """A folder of its own with a state root in it, and the program run there."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stasis-lab-", dir=os.environ.get("STASIS_LAB_TMP")))
        self.root = self.folder / "root"
        self.root.mkdir(mode=0o700)
        self.slot = self._take_slot()
        self.closers = []
        self.wrapper = []  # what to run the program with, for example setpriv

    @staticmethod
    def _take_slot():
        """At most two guests run at a time, whatever ctest's -j says."""
        LAB.mkdir(parents=True, exist_ok=True)
        while True:
            for number in range(2):
                handle = open(LAB / f"slot{number}", "w")
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return handle
                handle.close()
            time.sleep(0.2)

    def environment(self):
        return {**os.environ, "STASIS_ROOT": str(self.root), "NO_COLOR": "1"}

    def start(self, *arguments, **more):
        """Starts the program and returns the process, for tests that interfere with it."""
        return subprocess.Popen([*self.wrapper, PROGRAM, "--json", *map(str, arguments)], env=self.environment(), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def finish(self, process, arguments=(), timeout=180):
        """The result of a started program; raises Refused."""
        out, err = process.communicate(timeout=timeout)
        if process.returncode != 0:
            errors = [line for line in self.objects(err) if line.get("message_type") == "error"]
            raise Refused([str(a) for a in arguments], process.returncode, errors[-1] if errors else {}, err)
        answers = [line for line in self.objects(out) if line.get("message_type", "summary") == "summary"]
        return answers[-1] if answers else {}

    @staticmethod
    def objects(text):
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def stasis(self, *arguments, timeout=180):
        """Runs the program with --json; the last object it printed."""
        process = self.start(*arguments)
        try:
            return self.finish(process, arguments, timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise

    def text(self, *arguments, timeout=180):
        """Runs the program as a person would; what it printed."""
        done = subprocess.run([PROGRAM, *map(str, arguments)], env=self.environment(), text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise Refused([str(a) for a in arguments], done.returncode, {}, done.stderr)
        return done.stdout

    def close(self):
        for closer in reversed(self.closers):
            with contextlib.suppress(Exception):
                closer()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.slot.close()


class Talker:
    """Speaks with the witness over the UNIX socket of a guest's serial line, across reconnects."""

    def __init__(self, path):
        self.path = str(path)
        self.line = None
        self.buffer = b""

    def hang_up(self):
        if self.line:
            self.line.close()
        self.line, self.buffer = None, b""

    def _connect(self):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(1)
        try:
            line.connect(self.path)
        except OSError:
            line.close()
            return False
        self.line, self.buffer = line, b""
        return True

    def _answer(self, tag, until):
        """The answer with this tag, or None when the time is over or the line has gone."""
        while time.monotonic() < until:
            *whole, self.buffer = self.buffer.split(b"\n")
            for text in whole:
                if text.startswith(tag + b" {") and text.rstrip().endswith(b"}"):
                    return json.loads(text[len(tag):])
            self.line.settimeout(max(0.01, until - time.monotonic()))
            try:
                more = self.line.recv(65536)
            except TimeoutError:
                return None
            except OSError:
                more = b""
            if not more:
                self.hang_up()
                return None
            self.buffer += more
        return None

    def ask(self, command, timeout=30.0):
        """Sends a command and returns its answer; sent again every two seconds, so it must bear being repeated."""
        deadline = time.monotonic() + timeout
        tag = b"#%08x" % random.getrandbits(32)
        while time.monotonic() < deadline:
            if not self.line and not self._connect():
                time.sleep(0.02)
                continue
            try:
                self.line.sendall(b"\n" + tag + b" " + command.encode() + b"\n")
            except OSError:
                self.hang_up()
                continue
            answer = self._answer(tag, min(deadline, time.monotonic() + 2))
            if answer is not None:
                return answer
        raise TimeoutError(f"the guest did not answer '{command}' within {timeout:g} s")


DOMAIN_XML = """<domain type='kvm'{namespace}>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{lab}/vmlinuz</kernel>
    <initrd>{lab}/initrd</initrd>
    <cmdline>{words}</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
{disks}
    <serial type='unix'>
      <source mode='bind' path='{serial}'/>
      <target type='isa-serial' port='0'/>
    </serial>
  </devices>
{extra}
</domain>
"""
DISK_XML = """    <disk type='file' device='disk'>
      <driver name='qemu' type='{format}'/>
      <source file='{path}'/>
      <target dev='{target}' bus='virtio'/>
    </disk>"""
QEMU_NAMESPACE = " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"


class Guest:
    """A lab guest under the program's care."""

    def __init__(self, scratch, name="lab", memory=256, disks=("qcow2", "qcow2"), boot="", qemu_args=(), folder=None):
        self.scratch, self.name, self.memory = scratch, name, memory
        self.folder = pathlib.Path(folder or scratch.folder)
        self.formats = {f"vd{'abcdefgh'[i]}": form for i, form in enumerate(disks)}
        self.paths = {target: self.folder / f"{name}-{target}.{form}" for target, form in self.formats.items()}
        self.serial = scratch.folder / f"{name}.sock"
        self.talker = Talker(self.serial)
        self.boot, self.qemu_args = boot, qemu_args
        self.pids = set()
        for target, path in self.paths.items():
            make_image(path, image_format=self.formats[target])
        scratch.closers.append(self.close)

    def xml(self):
        disks = "\n".join(DISK_XML.format(format=self.formats[t], path=p, target=t) for t, p in self.paths.items())
        words = f"{BOOT_WORDS} lab.disks={','.join(self.paths)} {self.boot}"
        extra = "".join(f"<qemu:arg value='{arg}'/>" for arg in self.qemu_args)
        return DOMAIN_XML.format(namespace=QEMU_NAMESPACE if extra else "", name=self.name, memory=self.memory, lab=LAB,
                                 words=words.strip(), disks=disks, serial=self.serial,
                                 extra=f"  <qemu:commandline>{extra}</qemu:commandline>" if extra else "")

    # ---- the program's commands, on this domain ----

    def stasis(self, command, *arguments, **more):
        return self.scratch.stasis(command, self.name, *arguments, **more)

    def define(self):
        path = self.scratch.folder / f"{self.name}.xml"
        path.write_text(self.xml())
        return self.scratch.stasis("define", path)

    def start(self, *arguments):
        self.stasis("start", *arguments)
        self.pid()

    def up(self):
        """Defines and starts it and waits until the witness answers and counts."""
        self.define()
        self.start()
        self.wait_counting(timeout=60)
        return self

    def info(self):
        return self.stasis("dominfo")

    def state(self):
        return self.stasis("domstate")["state"]

    def pid(self):
        pid = self.info()["process_id"]
        if pid:
            self.pids.add(pid)
        return pid

    def snapshots(self):
        return [s["name"] for s in self.stasis("snapshot-list")["snapshots"]]

    def create(self, snapshot, *arguments, **more):
        return self.stasis("snapshot-create", f"--name={snapshot}", *arguments, **more)

    def revert(self, snapshot, *arguments, **more):
        done = self.stasis("snapshot-revert", snapshot, *arguments, **more)
        self.pid()
        return done

    def delete(self, snapshot, *arguments, **more):
        return self.stasis("snapshot-delete", snapshot, *arguments, **more)

    # ---- the witness ----

    def ask(self, command, timeout=30.0):
        answer = self.talker.ask(command, timeout)
        if "error" in answer:
            raise RuntimeError(f"witness: {command}: {answer['error']}")
        return answer

    def status(self, timeout=30.0):
        return self.ask("status", timeout)

    def wait_counting(self, ticks=3, timeout=30.0):
        """Waits until the counter has gone on by `ticks`; the last status."""
        deadline = time.monotonic() + timeout
        first = self.status(timeout)
        while True:
            now = self.status(max(1.0, deadline - time.monotonic()))
            if now["counter"] >= first["counter"] + ticks:
                return now
            if time.monotonic() > deadline:
                raise TimeoutError(f"the guest's counter stands still at {now['counter']}: {now['first_error']}")
            time.sleep(0.02)

    # ---- the end ----

    def close(self):
        self.talker.hang_up()
        with contextlib.suppress(Exception):
            self.pid()
        with contextlib.suppress(Exception):
            self.stasis("destroy", timeout=30)
        for pid in self.pids:
            if is_alive(pid) and str(self.scratch.folder).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


class GuestTest(unittest.TestCase):
    """A test with a scratch folder of its own, removed whatever happens."""

    def setUp(self):
        self.scratch = Scratch()
        self.addCleanup(self.scratch.close)

    def assert_one_instant(self, status):
        """Memory and disks agree, in the written order: memory first, then each disk."""
        self.assertEqual(status["errors"], 0, status["first_error"])
        disks = [value for key, value in status.items() if key.startswith("disk")]
        self.assertTrue(disks, "the guest has no disk")
        for value in disks:
            self.assertIn(value, (status["counter"] - 1, status["counter"]), status)

    def assert_runs_on(self, guest, nonce=None):
        status = guest.wait_counting()
        self.assert_one_instant(status)
        if nonce:
            self.assertEqual(status["nonce"], nonce, "the guest was booted anew")
        return status

    def assert_refused(self, kind, *arguments, guest=None, says=()):
        """The command fails with this kind and its message contains each of `says`."""
        with self.assertRaises(Refused) as caught:
            (guest.stasis if guest else self.scratch.stasis)(*arguments)
        error = caught.exception
        kinds = (kind,) if isinstance(kind, str) else kind
        self.assertIn(error.kind, kinds, str(error))
        for words in says:
            self.assertIn(words, error.message)
        self.assertNotEqual(error.code, 0)
        return error


def seed():
    """The seed of this run, from STASIS_SEED or fresh; printed, so that a failure can be had again."""
    value = int(os.environ.get("STASIS_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed {value} (STASIS_SEED={value} repeats this run)", flush=True)
    return random.Random(value)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a time limit of ctest still cleans up
    result = unittest.main(verbosity=2, exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun and len(result.skipped) == result.testsRun else 0)
