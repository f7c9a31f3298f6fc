"""bash completion, asked as bash would ask it."""

import shlex
import subprocess
import unittest

from program import LIMIT_S, STASIS, ProgramTest

# Calls the completion as bash does when Tab is pressed at the end of $1, and prints what it offers.
ASK = r'''
compopt() { :; }
source <("$STASIS" completion bash)
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
COMP_LINE=$1 COMP_POINT=${#1}
# bash's own cut: at blanks, and at runs of ":" and "=", which become words of their own.
mapfile -t COMP_WORDS < <(python3 -c '
import re, sys
line = sys.argv[1]
words = re.findall(r"(?:[^\s:=\\]|\\.)+|[:=]+", line)
if not line or line[-1] in " :=":
    words.append("")
print("\n".join(words))' "$1")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_stasis
printf '%s\n' "${COMPREPLY[@]}"
'''


class Completion(ProgramTest):
    def offered(self, line):
        line = line.replace("stasis", shlex.quote(STASIS), 1)
        ran = subprocess.run(["bash", "-c", ASK, "bash", line], cwd=self.folder, env=self.environment(STASIS=STASIS),
                             capture_output=True, timeout=LIMIT_S, check=False)
        self.assertEqual(ran.stderr.decode(), "", line)
        return [word for word in ran.stdout.decode().splitlines() if word]

    def test_commands(self):
        self.assertEqual(self.offered("stasis snapshot-de"), ["snapshot-delete"])
        self.assertEqual(self.offered("stasis --json dom"), ["dominfo", "domstate", "domblklist"])
        self.assertEqual(self.offered("stasis help undef"), ["undefine"])

    def test_options(self):
        self.assertEqual(self.offered("stasis snapshot-revert --for"), ["--force"])
        self.assertIn("--lock-wait", self.offered("stasis list --"))
        self.assertEqual(self.offered("stasis snapshot-create web --compress z"), ["zstd"])

    def test_names(self):
        self.define_web()
        self.ok("define-as", "two words")
        self.ok("snapshot-create", "web", "--name", "before-upgrade")
        self.ok("snapshot-create", "web", "--name", "after")
        self.assertEqual(self.offered("stasis start w"), ["web"])
        self.assertEqual(sorted(self.offered("stasis start ")), ["two\\ words", "web"])
        self.assertEqual(self.offered("stasis snapshot-revert web b"), ["before-upgrade"])
        self.assertEqual(self.offered("stasis snapshot-revert --running web b"), ["before-upgrade"])
        self.assertEqual(self.offered("stasis snapshot-info --domain web --snapshotname a"), ["after"])
        self.assertEqual(self.offered("stasis snapshot-list web --from a"), ["after"])
        self.assertEqual(self.offered("stasis snapshot-info none "), [])

    def test_names_of_the_host_that_the_line_names(self):
        self.ok("--root", "other", "define-as", "elsewhere")
        self.assertEqual(self.offered("stasis --root other start "), ["elsewhere"])
        self.assertEqual(self.offered("stasis -c fake:/// --root other start e"), ["elsewhere"])
        self.assertEqual(self.offered("stasis start --root=other "), ["elsewhere"])

    def test_uri_after_a_colon(self):
        self.assertEqual(self.offered("stasis -c fake:"), ["///"])
        self.assertEqual(self.offered("stasis -c f"), ["fake:///"])

    def test_files(self):
        (self.folder / "web.xml").touch()
        self.assertEqual(self.offered("stasis define w"), ["web.xml"])


if __name__ == "__main__":
    unittest.main()
