"""A lab guest run by QEMU directly, and a small QMP client: for what the program must be compared with, and for other
processes that get in its way."""
import contextlib
import json
import socket
import subprocess
import time

import lab


class QmpError(Exception):
    pass


class Qmp:
    def __init__(self, path, timeout=30):
        self.events = []
        self.buffer = b""
        self.line = socket.socket(socket.AF_UNIX)
        lab.wait_until(f"QMP on {path}", lambda: self._connect(path), timeout, 0.01)
        self._read(timeout)
        self.command("qmp_capabilities")

    def _connect(self, path):
        try:
            self.line.connect(str(path))
            return True
        except OSError:
            return False

    def _read(self, timeout):
        deadline = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            self.line.settimeout(max(0.001, deadline - time.monotonic()))
            more = self.line.recv(65536)
            if not more:
                raise QmpError("QEMU has gone")
            self.buffer += more
        text, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(text)

    def command(self, name, timeout=60, **arguments):
        message = {"execute": name}
        if arguments:
            message["arguments"] = {key.replace("_", "-"): value for key, value in arguments.items()}
        self.line.sendall(json.dumps(message).encode() + b"\n")
        while True:
            reply = self._read(timeout)
            if "event" in reply:
                self.events.append(reply)
            elif "error" in reply:
                raise QmpError(f"{name}: {reply['error']['desc']}")
            else:
                return reply["return"]

    def event(self, name, timeout=60, accept=lambda data: True):
        """Waits for an event and returns it; those before it are forgotten."""
        deadline = time.monotonic() + timeout
        while True:
            while self.events:
                event = self.events.pop(0)
                if event["event"] == name and accept(event.get("data", {})):
                    return event
            reply = self._read(max(0.001, deadline - time.monotonic()))
            if "event" in reply:
                self.events.append(reply)

    def close(self):
        self.line.close()


def event_us(event):
    return event["timestamp"]["seconds"] * 1_000_000 + event["timestamp"]["microseconds"]


class Bare:
    """QEMU with the lab guest, or with whatever `argv` says."""

    def __init__(self, scratch, name, disks=(), memory=256, boot="", more=(), argv=None):
        self.serial = scratch.folder / f"{name}.ser"
        self.qmp_path = scratch.folder / f"{name}.qmp"
        self.log = open(scratch.folder / f"{name}.log", "wb")
        self.talker = lab.Talker(self.serial)
        self.process = subprocess.Popen(argv or self._argv(disks, memory, boot, more), stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        scratch.closers.append(self.close)
        try:
            self.qmp = Qmp(self.qmp_path)
        except (QmpError, OSError, TimeoutError) as error:
            raise QmpError(f"{error}; QEMU says: {self.words()}") from error

    def words(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read().strip()

    def _argv(self, disks, memory, boot, more):
        argv = ["qemu-system-x86_64", "-machine", "q35,accel=tcg", "-m", str(memory), "-nodefaults", "-no-user-config",
                "-display", "none", "-no-reboot", "-kernel", str(lab.LAB / "vmlinuz"), "-initrd", str(lab.LAB / "initrd"),
                "-append", f"{lab.BOOT_WORDS} lab.disks={','.join('vd' + 'abcd'[i] for i in range(len(disks)))} {boot}",
                "-chardev", f"socket,id=serial,path={self.serial},server=on,wait=off", "-serial", "chardev:serial",
                "-qmp", f"unix:{self.qmp_path},server=on,wait=off"]
        for i, (path, image_format) in enumerate(disks):
            argv += ["-blockdev", json.dumps({"driver": image_format, "node-name": f"disk{i}",
                                              "file": {"driver": "file", "filename": str(path)}}),
                     "-device", f"virtio-blk-pci,drive=disk{i}"]
        return argv + list(more)

    def ask(self, command, timeout=60):
        return self.talker.ask(command, timeout)

    def close(self):
        self.talker.hang_up()
        with contextlib.suppress(Exception):
            self.qmp.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()
