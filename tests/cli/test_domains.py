"""The life of a domain on fake:///: every verb, its output, its refusals."""

import pathlib
import re
import signal
import subprocess
import unittest

from program import LIMIT_S, STASIS, ProgramTest

XML = """<domain type='kvm'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>{more}
  </devices>
</domain>
"""


def catches(pid, number):
    """Whether the process has set its handler for that signal by now."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"^SigCgt:\s*(\w+)", status, re.M)[1], 16) >> (number - 1) & 1 == 1


class Domains(ProgramTest):
    def state(self, domain="web"):
        return self.ok("domstate", domain).strip()

    def xml(self, name="web", more=""):
        path = self.folder / f"{name}.xml"
        path.write_text(XML.format(name=name, disk=self.folder / "vda.qcow2", more=more), encoding="utf-8")
        return path.name

    def test_life(self):
        self.define_web(start=False)
        self.assertEqual(self.state(), "shut off")
        self.assertEqual(self.ok("start", "web"), "Domain 'web' started\n")
        self.assertEqual(self.state(), "running")
        self.assertEqual(self.ok("suspend", "web"), "Domain 'web' suspended\n")
        self.assertEqual(self.state(), "paused")
        self.assertEqual(self.ok("resume", "web"), "Domain 'web' resumed\n")
        self.assertEqual(self.state(), "running")
        self.assertEqual(self.ok("destroy", "web"), "Domain 'web' destroyed\n")
        self.assertEqual(self.state(), "shut off")
        self.ok("start", "web", "--paused")
        self.assertEqual(self.state(), "paused")
        self.ok("resume", "web")
        self.ok("shutdown", "web", "--wait", "20")
        self.assertEqual(self.state(), "shut off")
        self.assertEqual(self.ok("undefine", "web"), "Domain 'web' has been undefined\n")
        self.refused(3, "domstate", "web")

    def test_define_from_xml_and_back(self):
        self.assertEqual(self.ok("define", self.xml()), "Domain 'web' defined from web.xml\n")
        dumped = self.ok("dumpxml", "web")
        self.assertIn("<name>web</name>", dumped)
        self.assertIn(str(self.folder / "vda.qcow2"), dumped)
        (self.folder / "again.xml").write_text(dumped, encoding="utf-8")
        self.ok("define", "again.xml")
        self.assertEqual(self.ok("dumpxml", "web"), dumped)

    def test_define_names_what_it_does_not_know(self):
        path = self.xml(more="\n    <teapot/>")
        message = self.refused(6 if self.stasis("define", path).code == 6 else 2, "define", path)
        self.assertIn("teapot", message)
        self.assertEqual(self.ok("list", "--all", "--name"), "")
        ran = self.stasis("define", path, "--lenient")
        self.assertEqual(ran.code, 0, ran.err)
        self.assertIn("teapot", ran.err)
        left_out = self.summary("define", path, "--lenient")["left_out"]
        self.assertEqual(len(left_out), 1)
        self.assertIn("teapot", left_out[0])

    def test_define_from_xl(self):
        text = f'name = "xl"\nmemory = 64\nvcpus = 1\ndisk = [ "format=qcow2, vdev=xvda, access=rw, target={self.folder}/d.qcow2" ]\n'
        (self.folder / "xl.cfg").write_text(text, encoding="utf-8")
        self.ok("define", "xl.cfg")
        self.assertIn("<name>xl</name>", self.ok("dumpxml", "xl"))

    def test_define_refuses_what_is_no_definition(self):
        self.refused(3, "define", "none.xml")
        (self.folder / "bad.xml").write_text("<domain><name>x</domain>", encoding="utf-8")
        self.refused(2, "define", "bad.xml")
        (self.folder / "evil.xml").write_text('<!DOCTYPE d [<!ENTITY a SYSTEM "/etc/passwd">]><domain>&a;</domain>', encoding="utf-8")
        self.assertIn(self.stasis("define", "evil.xml").code, (2, 6))

    def test_list(self):
        self.define_web()
        self.ok("define-as", "other")
        self.assertEqual(self.ok("list", "--name"), "web\n")
        self.assertEqual(self.ok("list", "--inactive", "--name"), "other\n")
        self.assertEqual(sorted(self.ok("list", "--all", "--name").split()), ["other", "web"])
        table = self.ok("list", "--all").splitlines()
        self.assertRegex(table[0], r"^ Id +Name +State$")
        self.assertRegex(table[1], r"^-+$")
        self.assertTrue(any(line.split() == ["-", "other", "shut", "off"] for line in table))
        domains = self.stasis("list", "--all", "--json").document()["domains"]
        self.assertEqual({d["name"]: d["state"] for d in domains}, {"other": "shut off", "web": "running"})
        uuid = next(d["uuid"] for d in domains if d["name"] == "web")
        self.assertEqual(self.ok("list", "--uuid"), uuid + "\n")
        self.assertEqual(self.ok("domstate", uuid), "running\n")

    def test_info(self):
        self.define_web()
        info = self.stasis("dominfo", "web", "--json").document()
        self.assertEqual(info["memory_bytes"], 64 << 20)
        self.assertEqual([d["source"] for d in info["disks"]], [str(self.folder / "web.qcow2"), str(self.folder / "data.qcow2")])
        self.assertIn("Max memory:     65536 KiB\n", self.ok("dominfo", "web"))
        self.assertIn(f" vda      {self.folder}/web.qcow2\n", self.ok("domblklist", "web"))
        self.assertRegex(self.ok("domblklist", "web", "--details"), r" file +disk +vda ")

    def test_refusals(self):
        for verb in ("start", "shutdown", "destroy", "suspend", "resume", "undefine", "dominfo", "domstate", "domblklist", "dumpxml"):
            self.assertIn("none", self.refused(3, verb, "none"))
        self.define_web(start=False)
        for verb in ("shutdown", "destroy", "suspend", "resume"):
            self.assertNotEqual(self.stasis(verb, "web").code, 0, verb)
        self.ok("start", "web")
        self.assertNotEqual(self.stasis("start", "web").code, 0)
        self.assertEqual(self.state(), "running")
        self.assertNotEqual(self.stasis("undefine", "web").code, 0)  # it runs

    def test_a_disk_that_is_missing(self):
        self.ok("define-as", "web", "--disk", "vda=missing.qcow2")
        self.assertIn("missing.qcow2", self.refused(3, "start", "web"))
        self.assertEqual(self.state(), "shut off")

    def test_dry_run_changes_nothing(self):
        self.ok("define-as", "web", "--dry-run")
        self.assertEqual(self.ok("list", "--all", "--name"), "")
        self.define_web(start=False)
        before = self.ok("dominfo", "web")
        for line in (["start", "web"], ["undefine", "web"], ["define", self.xml("new")]):
            text = self.ok(*line, "--dry-run")
            self.assertRegex(text, r"^\S+ would:\n +1\. \S", line)
            summary = self.summary(*line, "--dry-run")
            self.assertIs(summary["dry_run"], True)
            self.assertGreater(len(summary["plan"]["steps"]), 0)
        self.assertEqual(self.ok("dominfo", "web"), before)
        self.ok("start", "web")
        before = self.ok("dominfo", "web")
        for verb in ("shutdown", "destroy", "suspend"):
            self.assertIn(" would:\n", self.ok(verb, "web", "--dry-run"))
        self.assertEqual(self.ok("dominfo", "web"), before)

    def test_control_characters_do_not_reach_the_reader(self):
        self.refused(2, "define-as", "web", "--title", "a\x1b[2Jb")  # XML cannot carry it
        self.ok("define-as", "web", "--title", "a\u202eb\nc")
        text = self.ok("dominfo", "web")
        self.assertNotIn("\u202e", text)
        self.assertIn("Title:          a\\xe2\\x80\\xaeb\\x0ac\n", text)

    def test_a_signal_ends_the_wait_with_130(self):
        self.define_web()
        world = self.root / "fake" / "world.json"
        text = world.read_text(encoding="utf-8")
        deaf = re.sub(r'"deaf": *false', '"deaf":true', text)  # a guest that will not power off, however long one waits
        self.assertNotEqual(deaf, text)
        world.write_text(deaf, encoding="utf-8")
        for number in (signal.SIGINT, signal.SIGTERM):
            with subprocess.Popen([STASIS, "shutdown", "web", "--wait", "50"], cwd=self.folder, env=self.environment(),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
                while not catches(running.pid, number):
                    self.assertIsNone(running.poll())
                running.send_signal(number)
                out, err = running.communicate(timeout=LIMIT_S)
            self.assertEqual((running.returncode, out), (130, b""), err)
            self.assertIn(b"stasis: error: ", err)
        self.assertEqual(self.state(), "running")


if __name__ == "__main__":
    unittest.main()
