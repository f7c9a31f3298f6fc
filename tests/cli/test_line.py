"""The command line itself: help, wrong lines, common options, exit codes, output that cannot be written."""

import os
import re
import subprocess
import unittest

from program import LIMIT_S, STASIS, ProgramTest

CHANGING = {"define", "define-as", "undefine", "start", "shutdown", "destroy", "suspend", "resume", "snapshot-create",
            "snapshot-revert", "snapshot-delete", "memory-export"}


def commands_of(overview):
    return re.findall(r"^  ([a-z-]+) ", overview, re.M)


class Line(ProgramTest):
    def test_every_command_has_help_with_an_example(self):
        commands = commands_of(self.ok("--help"))
        self.assertLessEqual(CHANGING, set(commands))
        for command in commands:
            text = self.ok(command, "--help")
            self.assertIn(f"Usage: stasis {command}", text)
            self.assertRegex(text, r"Example:\n +\S")
            self.assertIn("--json", text)
            self.assertEqual("--dry-run" in text, command in CHANGING, command)
            self.assertEqual(text, self.ok("help", command))

    def test_help_touches_nothing(self):
        self.ok("start", "--help")
        self.ok("version")
        self.ok("completion", "bash")
        self.assertFalse(self.root.exists())

    def test_no_command(self):
        ran = self.stasis()
        self.assertEqual((ran.code, ran.out), (2, ""))
        self.assertIn("snapshot-create", ran.err)

    def test_unknown_command_names_the_nearest(self):
        self.assertIn("'snapshot-list'", self.refused(2, "snapshot-lst", "web"))

    def test_wrong_lines(self):
        for line in (["start"], ["start", "a", "b"], ["list", "--frob"], ["--frob"], ["list", "--dry-run"],
                     ["start", "../x", "--json=1x"], ["--connect", "ftp:///", "list"]):
            self.refused(2, *line)

    def test_names_that_are_none(self):
        for name in ("a/b", "..", ".hidden", "a\nb", "x" * 200, ""):
            self.refused(2, "define-as", "--", name)
            self.assertEqual(self.stasis("snapshot-info", "--domain", "web", "--snapshotname", name).code, 2, name)
        self.assertEqual(self.ok("list", "--all", "--name"), "")

    def test_wrong_line_in_json(self):
        ran = self.stasis("start", "--json")
        self.assertEqual((ran.code, ran.out), (2, ""))
        error = ran.error()
        self.assertEqual((error["message_type"], error["kind"], error["exit_code"]), ("error", "invalid", 2))

    def test_root_and_uri_by_option(self):
        other = self.folder / "other"
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        options = ["--connect", "fake:///", "--root", "other"]
        self.assertEqual(self.stasis(*options, "define-as", "x", env=variables).code, 0)
        self.assertTrue(other.is_dir())
        self.assertEqual(self.stasis("list", "--all", "--name", *options, env=variables).out, "x\n")
        self.assertEqual(self.ok("list", "--all", "--name"), "")

    def test_state_folder_of_an_ordinary_user(self):
        if os.geteuid() == 0:
            self.skipTest("root has another")
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "STASIS_URI": "fake:///"}
        self.assertEqual(self.stasis("define-as", "x", env=variables).code, 0)
        self.assertTrue((self.folder / ".local/state/stasis").is_dir())

    def test_state_is_private(self):
        self.define_web()
        self.ok("snapshot-create", "web")
        for path in [self.root, *self.root.rglob("*")]:
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_full_output(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            ran = subprocess.run([STASIS, "version"], stdout=full, stderr=subprocess.PIPE, env=self.environment(),
                                 timeout=LIMIT_S, check=False)
        self.assertEqual(ran.returncode, 1)
        self.assertIn(b"standard output", ran.stderr)

    def test_closed_pipe_ends_in_an_error_not_in_a_signal(self):
        self.define_web()
        read, write = os.pipe()
        os.close(read)
        ran = subprocess.run([STASIS, "snapshot-create", "web", "--json"], stdout=write, stderr=subprocess.PIPE,
                             env=self.environment(), timeout=LIMIT_S, check=False)
        os.close(write)
        self.assertEqual(ran.returncode, 1, ran.stderr)
        self.assertEqual(len(self.snapshots()), 1)  # the work itself was done, whoever listens


if __name__ == "__main__":
    unittest.main()
