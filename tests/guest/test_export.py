#!/usr/bin/env python3
"""memory-export: a stock QEMU, with no help of the program, loads the exported stream with -incoming and goes on from
the instant. The stock QEMU gets the devices that the guest had, on overlays of the snapshot's frozen disks."""
import json
import pathlib
import re

import bare
import lab


class Export(lab.GuestTest):
    def setUp(self):
        super().setUp()
        self.guest = lab.Guest(self.scratch, boot="lab.fill=16 lab.dirty=2").up()
        self.before = self.guest.status()

    def stock_argv(self, overlays, stream):
        """The running guest's own command line, without the program's monitors, on other sockets and disks."""
        words = pathlib.Path(f"/proc/{self.guest.pid()}/cmdline").read_bytes().decode().split("\0")[:-1]
        argv = [words[0]]
        for option, value in self.options(words[1:]):
            if option in ("-S", "-mon") or (option == "-chardev" and "id=monitor" in value):
                continue
            argv.append(option)
            if value is not None:
                argv.append(self.moved(option, value, overlays))
        return argv + ["-qmp", f"unix:{self.scratch.folder}/stock.qmp,server=on,wait=off", "-S", "-incoming", f"exec:cat {stream}"]

    @staticmethod
    def options(words):
        """The pairs of option and value; None for an option without."""
        at = 0
        while at < len(words):
            has_value = at + 1 < len(words) and not words[at + 1].startswith("-")
            yield words[at], words[at + 1] if has_value else None
            at += 1 + has_value

    def moved(self, option, value, overlays):
        if option == "-chardev":  # the serial line: the program hands its socket over as a descriptor
            return re.sub(r"(fd|path)=[^,]+", f"path={self.scratch.folder}/stock.ser", value)
        if option != "-blockdev":
            return value
        node = json.loads(value)
        if node["driver"] == "file":
            node["filename"] = overlays[node["filename"]]
        else:
            node.pop("backing", None)  # let QEMU open the backing image that the overlay names
        return json.dumps(node)

    def overlays(self):
        """An overlay for each disk's frozen image, which is what the guest was started on."""
        return {str(path): str(lab.make_image(self.scratch.folder / f"stock-{target}.qcow2", backing=(path, "qcow2")))
                for target, path in self.guest.paths.items()}

    def test_stock_qemu_loads_it(self):
        self.guest.ask("set word kept")
        self.guest.create("s", "--external")
        self.guest.ask("set word later")
        stream = self.scratch.folder / "stream"
        exported = self.guest.stasis("memory-export", "s", stream)
        self.assertEqual(exported["written_bytes"], stream.stat().st_size)
        argv = self.stock_argv(self.overlays(), stream)
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
