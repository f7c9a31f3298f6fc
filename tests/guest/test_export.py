#!/usr/bin/env python3
"""memory-export: a stock QEMU, with no help of the program, loads the exported stream with -incoming and goes on from
the instant. The stock QEMU gets the devices that the guest had, on overlays of the snapshot's frozen disks."""
import pathlib
import re

import bare
import lab


class Export(lab.GuestTest):
    def setUp(self):
        super().setUp()
        self.guest = lab.Guest(self.scratch, boot="lab.fill=16 lab.dirty=2").up()
        self.before = self.guest.status()

    def stock_argv(self, frozen, stream):
        """The running guest's own command line, with sockets, files and disks of another place."""
        argv = pathlib.Path(f"/proc/{self.guest.pid()}/cmdline").read_bytes().decode().split("\0")[:-1]
        kept, skip = [argv[0]], False
        for option, value in zip(argv[1:], argv[2:] + [""]):
            if skip:
                skip = False
                continue
            skip = not value.startswith("-") and option.startswith("-")
            if self.is_ours(option, value):
                continue
            kept += [option, self.moved(value, frozen)] if skip else [option]
        return kept + ["-qmp", f"unix:{self.scratch.folder}/stock.qmp,server=on,wait=off", "-S", "-incoming", f"exec:cat {stream}"]

    @staticmethod
    def is_ours(option, value):
        """What belongs to the program's control of the guest and not to the guest."""
        if option in ("-S", "-daemonize", "-incoming", "-pidfile", "-mon", "-qmp", "-sandbox", "-run-with", "-add-fd"):
            return True
        return option == "-chardev" and ("id=qmp" in value or "fd=" in value or re.search(r"/[cq]\.sock", value) is not None)

    def moved(self, value, frozen):
        value = value.replace(str(self.guest.serial), str(self.scratch.folder / "stock.ser"))
        for old, new in frozen.items():
            value = value.replace(f'"{old}"', f'"{new}"').replace(f"={old}", f"={new}")
        return value

    def overlays(self, created):
        """An overlay for each disk's frozen image: what the guest wrote to when it was started."""
        made = {}
        for target, path in self.guest.paths.items():
            overlay = self.scratch.folder / f"stock-{target}.qcow2"
            made[str(path)] = lab.make_image(overlay, backing=(path, "qcow2"))
        return made

    def test_stock_qemu_loads_it(self):
        self.guest.ask("set word kept")
        created = self.guest.create("s", "--external")
        self.guest.ask("set word later")
        stream = self.scratch.folder / "stream"
        exported = self.guest.stasis("memory-export", "s", stream)
        self.assertEqual(exported["written_bytes"], stream.stat().st_size)
        argv = self.stock_argv(self.overlays(created), stream)
        self.guest.stasis("destroy")
        stock = bare.Bare(self.scratch, "stock", argv=argv)
        lab.wait_until("the stream to be loaded",
                       lambda: stock.qmp.command("query-status")["status"] not in ("inmigrate", "prelaunch"), 60)
        stock.qmp.command("cont")
        status = stock.ask("status")
        self.assertEqual(status["nonce"], self.before["nonce"])
        self.assertEqual(stock.ask("get word")["value"], "kept")
        lab.wait_until("seventy ticks", lambda: stock.ask("status")["counter"] > status["counter"] + 70)
        self.assert_one_instant(stock.ask("status"))
        self.assertEqual(stock.ask("verify")["bad"], 0)


if __name__ == "__main__":
    lab.main()
