"""Snapshots on fake:///: take, list, revert, delete; their output, their refusals."""

import re
import unittest

from program import ProgramTest


class Snapshots(ProgramTest):
    def take(self, name, *arguments):
        return self.summary("snapshot-create", "web", "--name", name, *arguments)

    def tree(self):
        """root a; b and c below it."""
        self.define_web()
        self.take("a", "--external")
        self.take("b", "--external")
        self.ok("snapshot-revert", "web", "a")
        self.take("c", "--external")

    def test_without_options(self):
        self.define_web()
        lines = self.ok("snapshot-create", "web").splitlines()
        name = re.fullmatch(r"Domain snapshot (\d{14}) created", lines[0])[1]
        self.assertRegex(lines[1], r"^guest stood still .*s, complete after .*, memory .*\((background|precopy|stopped)\)$")
        self.assertEqual(len(lines), 2)
        info = self.stasis("snapshot-info", "web", name, "--json").document()
        self.assertEqual((info["name"], info["current"], info["state"], info["parent"]), (name, True, "running", None))
        self.assertEqual([d["target"] for d in info["disks"]], ["vda", "vdb"])
        self.assertTrue(info["memory_file"].endswith(f"/{name}/{name}.save"), info["memory_file"])
        self.assertEqual(self.ok("domstate", "web"), "running\n")

    def test_summary_of_a_snapshot(self):
        self.define_web()
        summary = self.take("a", "--external")
        self.assertEqual((summary["operation"], summary["domain"], summary["name"]), ("snapshot-create", "web", "a"))
        self.assertGreater(summary["pause_us"], 0)
        self.assertGreaterEqual(summary["complete_us"], summary["pause_us"])
        self.assertEqual([d["mode"] for d in summary["disks"]], ["external", "external"])
        self.assertGreater(len(summary["plan"]["steps"]), 0)

    def test_choices(self):
        self.define_web()
        def modes(summary):
            return {d["target"]: d["mode"] for d in summary["disks"]}

        self.assertEqual(modes(self.take("i", "--internal")), {"vda": "internal", "vdb": "internal"})
        mixed = modes(self.take("m", "--external", "--disk", "vdb=no"))
        self.assertEqual((mixed["vda"], mixed.get("vdb", "no")), ("external", "no"))
        self.assertEqual(self.take("d", "--disk-only", "--external")["memory_method"], "none")

    def test_place_of_one_disk(self):
        self.define_web()
        placed = self.take("p", "--disk", f"vda=external,path={self.folder}/here.qcow2", "--disk", "vdb=internal")
        self.assertEqual(placed["disks"][0]["image"], str(self.folder / "web.qcow2"))
        self.assertIn("here.qcow2", self.ok("domblklist", "web"))

    def test_path_gives_the_name(self):
        self.define_web()
        self.assertEqual(self.summary("snapshot-create", "web", "snaps/one/", "--external")["name"], "one")
        info = self.stasis("snapshot-info", "web", "one", "--json").document()
        self.assertEqual(info["memory_file"], str(self.folder / "snaps/one/one.save"))

    def test_configuration_wins(self):
        self.define_web()
        (self.folder / "s.cfg").write_text('name = "fromfile"\n', encoding="utf-8")
        self.assertEqual(self.summary("snapshot-create", "web", "-n", "fromline", "--external", "--config", "s.cfg")["name"], "fromfile")

    def test_listings(self):
        self.tree()
        self.assertEqual(self.snapshots(), ["a", "b", "c"])
        self.assertEqual(self.snapshots("--roots"), ["a"])
        self.assertEqual(self.snapshots("--leaves"), ["b", "c"])
        self.assertEqual(self.snapshots("--from", "a"), ["b", "c"])
        self.assertEqual(self.snapshots("--from", "a", "--descendants"), ["b", "c"])
        self.assertEqual(self.snapshots("--topological")[0], "a")
        self.assertEqual(self.ok("snapshot-list", "web", "--tree"), "a\n  |\n  +- b\n  +- c\n\n")
        self.assertRegex(self.ok("snapshot-list", "web"), r"^ Name +Creation Time +State\n-+\n a +\d{4}-\d\d-\d\d ")
        self.assertRegex(self.ok("snapshot-list", "web", "--parent"), r"\n b .* a\n")
        self.assertRegex(self.ok("snapshot-list", "web", "-l"), r" Current +Memory +Disks\n")
        document = self.stasis("snapshot-list", "web", "--json").document()
        self.assertEqual({s["name"]: s["parent"] for s in document["snapshots"]}, {"a": None, "b": "a", "c": "a"})

    def test_one(self):
        self.tree()
        self.assertEqual(self.ok("snapshot-current", "web", "--name"), "c\n")
        self.assertEqual(self.ok("snapshot-parent", "web", "c"), "a\n")
        self.refused(3, "snapshot-parent", "web", "a")
        self.assertIn("<name>b</name>", self.ok("snapshot-dumpxml", "web", "b"))
        self.assertIn("<name>c</name>", self.ok("snapshot-current", "web"))
        self.assertIn("Children:       2\n", self.ok("snapshot-info", "web", "a"))

    def test_revert(self):
        self.define_web()
        self.take("a", "--external")
        lines = self.ok("snapshot-revert", "web", "a").splitlines()
        self.assertEqual(lines[0], "Domain 'web' reverted to snapshot a")
        self.assertRegex(lines[1], r"^guest runs again after .*s, complete after .*s$")
        self.assertEqual(self.ok("domstate", "web"), "running\n")
        summary = self.summary("snapshot-revert", "web", "a", "--paused")
        self.assertEqual((summary["name"], summary["state"]), ("a", "paused"))
        self.assertEqual(self.ok("domstate", "web"), "paused\n")
        self.ok("snapshot-revert", "web", "a", "--running")
        self.assertEqual(self.ok("domstate", "web"), "running\n")

    def test_delete(self):
        self.tree()
        self.assertEqual(self.ok("snapshot-delete", "web", "b"), "Domain snapshot b deleted\n")
        self.assertEqual(self.snapshots(), ["a", "c"])
        self.assertEqual(sorted(self.summary("snapshot-delete", "web", "a", "--children")["deleted"]), ["a", "c"])
        self.assertEqual(self.snapshots(), [])
        self.refused(3, "snapshot-current", "web")

    def test_dry_run_changes_nothing(self):
        self.tree()
        before = self.ok("snapshot-list", "web", "-l") + self.ok("domblklist", "web", "--details") + self.ok("list")
        for line in (["snapshot-create", "web", "--name", "x"], ["snapshot-revert", "web", "a"], ["snapshot-delete", "web", "b"]):
            text = self.ok(*line, "--dry-run")
            self.assertRegex(text, r"would:\n +1\. \S")
            self.assertRegex(text, r"\nSpace: +at most \S")
            self.assertRegex(text, r"\nExpected pause: \S")
            summary = self.summary(*line, "--dry-run")
            self.assertIs(summary["dry_run"], True)
            self.assertGreaterEqual(summary["plan"]["space_bytes"], 0)
        self.assertEqual(self.ok("snapshot-list", "web", "-l") + self.ok("domblklist", "web", "--details") + self.ok("list"), before)

    def test_refusals(self):
        self.define_web()
        self.take("a")
        self.refused(4, "snapshot-create", "web", "--name", "a")
        self.refused(3, "snapshot-create", "none")
        self.refused(3, "snapshot-create", "web", "--disk", "vdz=no")
        for verb in ("snapshot-info", "snapshot-dumpxml", "snapshot-parent", "snapshot-revert", "snapshot-delete"):
            self.assertIn("zz", self.refused(3, verb, "web", "zz"))
            self.refused(3, verb, "none", "a")
        self.refused(3, "snapshot-list", "none")
        error = self.stasis("snapshot-revert", "web", "zz", "--json").error()
        self.assertEqual((error["kind"], error["exit_code"]), ("not_found", 3))
        self.assertEqual(self.snapshots(), ["a"])

    def test_memory_export_refusals(self):
        self.define_web()
        self.take("a", "--disk-only", "--external")
        self.refused(6, "memory-export", "web", "a", "m")
        self.refused(3, "memory-export", "web", "zz", "m")
        self.take("b", "--external")
        (self.folder / "there").write_text("precious", encoding="utf-8")
        self.refused(4, "memory-export", "web", "b", "there")
        self.refused(4, "memory-export", "web", "b", "there", "--dry-run")
        self.assertEqual((self.folder / "there").read_text(encoding="utf-8"), "precious")
        self.assertIn("memory-export would:\n", self.ok("memory-export", "web", "b", "m", "--dry-run"))
        self.assertFalse((self.folder / "m").exists())


if __name__ == "__main__":
    unittest.main()
