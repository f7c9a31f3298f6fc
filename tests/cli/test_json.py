"""--json: every field that any command prints stands in docs/json.md, and every document is one."""

import json
import re
import unittest

from program import SOURCE, ProgramTest


def fields_of(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from fields_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from fields_of(inner)


class Json(ProgramTest):
    def setUp(self):
        super().setUp()
        self.documented = set(re.findall(r"`([a-z_]+)`", (SOURCE / "docs/json.md").read_text(encoding="utf-8")))

    def check(self, text):
        for line in text.splitlines():
            self.assertLessEqual(set(fields_of(json.loads(line))), self.documented, line)

    def test_fields_are_documented(self):
        for line in (["define-as", "web", "--memory", "64M", "--disk", "vda=a.qcow2"], ["start", "web"],
                     ["snapshot-create", "web", "--name", "s", "--external"], ["snapshot-create", "web", "--dry-run"],
                     ["suspend", "web"], ["resume", "web"], ["snapshot-revert", "web", "s"],
                     ["memory-export", "web", "s", "m", "--dry-run"], ["snapshot-delete", "web", "s"], ["destroy", "web"],
                     ["undefine", "web"]):
            ran = self.stasis(*line, "--json")
            self.assertEqual(ran.code, 0, ran.err)
            self.assertEqual(ran.err, "", line)
            self.check(ran.out)
            self.assertEqual([l["message_type"] for l in ran.lines()].count("summary"), 1)
            self.assertEqual(ran.lines()[-1]["message_type"], "summary")

    def test_reading_prints_one_document(self):
        self.define_web()
        self.ok("snapshot-create", "web", "--name", "s")
        for line in (["list"], ["dominfo", "web"], ["domstate", "web"], ["domblklist", "web"], ["dumpxml", "web"],
                     ["snapshot-list", "web"], ["snapshot-info", "web", "s"], ["snapshot-dumpxml", "web", "s"],
                     ["snapshot-current", "web"], ["version"]):
            ran = self.stasis(*line, "--json")
            self.assertEqual(ran.code, 0, ran.err)
            self.assertIsInstance(ran.document(), dict)
            self.check(ran.out)

    def test_errors_stand_on_standard_error_alone(self):
        ran = self.stasis("start", "none", "--json")
        self.assertEqual((ran.code, ran.out), (3, ""))
        self.check(ran.err)
        self.assertEqual(len(ran.err.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
