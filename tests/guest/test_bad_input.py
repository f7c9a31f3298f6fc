#!/usr/bin/env python3
"""What is refused, and that a refusal changes nothing: the guest runs on, no file is left behind, and the message says
what was wrong and what to do."""
import os
import shutil
import subprocess

import bare
import lab


class BadNames(lab.GuestTest):
    def test_names_and_disks(self):
        guest = lab.Guest(self.scratch).up()
        nonce = guest.status()["nonce"]
        guest.create("there")
        files = lab.listing(self.scratch.folder)
        self.assert_refused("not_found", "dominfo", "nobody", says=["nobody"])
        self.assert_refused("not_found", "snapshot-create", "nobody", says=["nobody"])
        self.assert_refused("not_found", "snapshot-revert", "absent", guest=guest, says=["absent"])
        self.assert_refused("not_found", "snapshot-delete", "absent", guest=guest, says=["absent"])
        self.assert_refused("not_found", "snapshot-info", "absent", guest=guest, says=["absent"])
        for name in ("../evil", "a/b", "..", ".hidden", "-dash", " space", "x" * 129, "new\nline"):
            self.assert_refused("invalid", "snapshot-create", f"--name={name}", guest=guest)
        for name in ("../evil", "a/b", ".."):
            self.assert_refused(("invalid", "not_found"), "snapshot-revert", name, guest=guest)
            self.assert_refused(("invalid", "not_found"), "snapshot-delete", name, guest=guest)
        self.assert_refused(("not_found", "invalid"), "snapshot-create", "--name=n", "--disk", "vdz=external",
                            guest=guest, says=["vdz"])
        self.assert_refused("exists", "snapshot-create", "--name=there", guest=guest, says=["there"])
        self.assertEqual(lab.listing(self.scratch.folder), files)
        self.assertEqual(guest.snapshots(), ["there"])
        self.assert_runs_on(guest, nonce)

    def test_definitions(self):
        guest = lab.Guest(self.scratch)
        path = self.scratch.folder / "bad.xml"
        for change, words in ((("<name>lab", "<name>../lab"), ["name"]), (("<vcpu>1", "<vcpu>0"), ["vcpu"]),
                              (("<features>", "<flux/><features>"), ["flux"]), (("type='qcow2'", "type='vmdk'"), ["vmdk"])):
            path.write_text(guest.xml().replace(*change, 1))
            error = self.assert_refused(("invalid", "unsupported"), "define", path)
            for word in words:
                self.assertIn(word, error.message)
        self.assertEqual(self.scratch.stasis("list", "--all")["domains"], [])


class BadDisks(lab.GuestTest):
    def setUp(self):
        super().setUp()
        self.guest = lab.Guest(self.scratch)
        self.guest.define()
        self.vdb = self.guest.paths["vdb"]
        self.files = lab.listing(self.scratch.folder)

    def assert_start_refused(self, kind, *says):
        error = self.assert_refused(kind, "start", guest=self.guest, says=says)
        self.assertEqual(self.guest.state(), "shut off")
        return error

    def test_missing(self):
        self.vdb.rename(self.scratch.folder / "away")
        self.assert_start_refused("not_found", str(self.vdb))
        (self.scratch.folder / "away").rename(self.vdb)
        self.guest.start()
        self.assert_one_instant(self.guest.wait_counting(timeout=60))

    def test_other_format_than_stated(self):
        self.vdb.write_bytes(b"\0" * lab.MIB)
        self.assert_start_refused(("invalid", "corrupt"), str(self.vdb))

    def test_locked_by_another_process(self):
        holder = bare.Bare(self.scratch, "holder", [(self.vdb, "qcow2")])
        holder.ask("status")
        self.assert_start_refused(("busy", "failed"), "lock")
        self.assertEqual(holder.ask("status")["errors"], 0)
        holder.close()
        self.guest.start()
        self.assert_one_instant(self.guest.wait_counting(timeout=60))

    def test_emulator_that_dies_at_start(self):
        self.guest.qemu_args = ["-device", "no-such-device"]
        self.guest.stasis("undefine")
        self.guest.define()
        self.assert_start_refused("failed", "no-such-device")
        self.assertEqual(lab.listing(self.scratch.folder), self.files)

    def test_format_changes_under_a_snapshot(self):
        """A disk made another thing by hand between snapshot and revert: refused, the running guest untouched."""
        self.guest.start()
        nonce = self.guest.wait_counting(timeout=60)["nonce"]
        created = self.guest.create("s", "--external")
        frozen = self.vdb
        saved = self.scratch.folder / "saved"
        shutil.copy(frozen, saved)
        frozen.write_bytes(b"\0" * lab.MIB)
        self.assert_refused(("invalid", "corrupt", "unsupported"), "snapshot-revert", "s", guest=self.guest)
        shutil.copy(saved, frozen)
        self.assertEqual(self.guest.state(), "running")
        self.assertTrue(created["disks"])
        self.assert_runs_on(self.guest, nonce)


class FullFileSystem(lab.GuestTest):
    """A small file system of its own holds the snapshots."""

    def setUp(self):
        super().setUp()
        self.small = self.scratch.folder / "small"
        self.small.mkdir()
        image = lab.make_image(self.scratch.folder / "small.img", "400M", "raw")
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
        mounted = subprocess.run(["mount", "-o", "loop", str(image), str(self.small)], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"no file system can be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(lambda: subprocess.run(["umount", "-l", str(self.small)], check=False))
        self.guest = lab.Guest(self.scratch, boot="lab.fill=160")
        self.guest.up()
        self.nonce = self.guest.status()["nonce"]

    def free(self):
        room = os.statvfs(self.small)
        return room.f_bavail * room.f_bsize

    def fill_up(self, leave):
        """A file that takes all room but `leave` bytes."""
        with open(self.small / "ballast", "wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, self.free() - leave)

    def assert_untouched(self, files):
        self.assertEqual(lab.listing(self.small), files, "files were left behind")
        self.assertEqual(self.guest.snapshots(), [])
        self.assert_runs_on(self.guest, self.nonce)

    def test_no_room(self):
        self.fill_up(leave=16 * lab.MIB)
        files = lab.listing(self.small)
        error = self.assert_refused("no_space", "snapshot-create", self.small / "s", guest=self.guest)
        self.assertIn(str(self.small), error.message)
        self.assert_untouched(files)

    def test_full_while_memory_streams_out(self):
        """The check beforehand passes; then somebody else takes the room. What the witness filled cannot be compressed."""
        arguments = ("snapshot-create", self.guest.name, "--name=s", "--external", "--memory-path", self.small / "s.save")
        for _ in range(5):
            process = self.scratch.start(*arguments)
            lab.wait_until("the memory image", lambda: lab.listing(self.small) or process.poll() is not None, interval=0.001)
            self.fill_up(leave=4 * lab.MIB)
            try:
                self.scratch.finish(process, arguments)
            except lab.Refused as refused:
                self.assertEqual(refused.kind, "no_space", str(refused))
                break
            (self.small / "ballast").unlink()
            self.guest.delete("s")
        else:
            self.fail("memory was always out before the file system was full")
        (self.small / "ballast").unlink()
        self.assert_untouched(set())
        self.guest.create("after")
        self.assert_runs_on(self.guest, self.nonce)


if __name__ == "__main__":
    lab.main()
