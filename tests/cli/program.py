"""Runs the built program for a test, in a state folder of its own, on fake:///."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
STASIS = os.environ.get("STASIS", str(SOURCE / "build" / "stasis"))
LIMIT_S = 60  # a program that takes longer hangs


class Ran:
    """One finished run."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def lines(self):
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def document(self):
        return json.loads(self.out)

    def error(self):
        """The last line of standard error as JSON."""
        return json.loads(self.err.splitlines()[-1])


class ProgramTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stasis-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.root = self.folder / "state"

    def environment(self, **changes):
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TZ": "UTC", "LC_ALL": "C.UTF-8",
                     "STASIS_URI": "fake:///", "STASIS_ROOT": str(self.root)}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                variables[name] = os.environ[name]
        variables.update(changes)
        return variables

    def stasis(self, *arguments, env=None):
        """Runs it, whatever comes of it."""
        ran = subprocess.run([STASIS, *map(str, arguments)], cwd=self.folder, env=env or self.environment(),
                             stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S, check=False)
        return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    def ok(self, *arguments):
        """Runs it; it must succeed. Returns standard output."""
        ran = self.stasis(*arguments)
        self.assertEqual(ran.code, 0, f"{arguments}: {ran.err}")
        return ran.out

    def refused(self, code, *arguments):
        """Runs it; it must end with that code, a message, and nothing on standard output. Returns the message."""
        ran = self.stasis(*arguments)
        self.assertEqual(ran.code, code, f"{arguments}: {ran.out}{ran.err}")
        self.assertEqual(ran.out, "", arguments)
        self.assertRegex(ran.err, r"(?m)^stasis: error: \S", arguments)
        return ran.err

    def summary(self, *arguments):
        """The summary of a changing command with --json, which must be the last line."""
        ran = self.stasis(*arguments, "--json")
        self.assertEqual(ran.code, 0, f"{arguments}: {ran.err}")
        last = ran.lines()[-1]
        self.assertEqual(last["message_type"], "summary", ran.out)
        return last

    def define_web(self, start=True):
        """A domain 'web' with two disks."""
        self.ok("define-as", "web", "--memory", "64M", "--disk", "vda=web.qcow2", "--disk", "vdb=data.qcow2")
        if start:
            self.ok("start", "web")

    def snapshots(self, *arguments):
        return self.ok("snapshot-list", "web", "--name", *arguments).split()
