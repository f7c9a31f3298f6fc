"""The tour in README.md works exactly as it is written, one command after the other."""

import os
import re
import subprocess
import unittest

from program import LIMIT_S, SOURCE, STASIS, ProgramTest


class Readme(ProgramTest):
    def test_tour(self):
        readme = (SOURCE / "README.md").read_text(encoding="utf-8")
        tour = readme.split("## A tour of ten minutes", 1)[1].split("In scripts:", 1)[0]
        blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", tour, re.M)
        commands = [line.strip() for block in blocks for line in block.splitlines()
                    if line.startswith(("    stasis ", "    export "))]
        self.assertGreater(len(commands), 10)
        os.symlink(os.path.abspath(STASIS), self.folder / "stasis")
        script = "set -e\n" + "\n".join(commands)
        ran = subprocess.run(["bash", "-c", script], cwd=self.folder, capture_output=True, timeout=LIMIT_S, check=False,
                             env=self.environment(PATH=f"{self.folder}:{os.environ['PATH']}", TMPDIR=str(self.folder)))
        self.assertEqual(ran.returncode, 0, ran.stdout.decode() + ran.stderr.decode())
        drawn = re.search(r"The tree now has two branches:\n\n((?:    .*\n)+)", tour)[1].replace("\n    ", "\n").lstrip()
        self.assertIn(drawn.strip(), ran.stdout.decode())


if __name__ == "__main__":
    unittest.main()
