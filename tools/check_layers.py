#!/usr/bin/env python3
"""Checks every #include under src/ and include/ against the table of rooms in ARCHITECTURE.md.

The table is the rule: a room may include itself, include/stasis, and what the last column of its row names; nothing
follows from what those may use in turn. Words it understands there: "nothing of ours", room names, "codec/xml" (only
that folder of a room), "everything but X", a trailing "only". Prints "file:line: rule" for each finding; exits 1 then.
"""

import argparse
import pathlib
import re
import sys

PUBLIC = "include"  # the room of include/stasis
# Folders that stand for themselves inside their room: siblings must not know of each other.
SEPARATE_SIBLINGS = ("hypervisor", "storage")
# Folders with a short list of users, beside themselves. "test" stands for *_test.cc, *_for_test.h, and any
# folder "testing".
RESTRICTED = {
    "seam/posix": ("host", "test"),
    "seam/testing": ("test",),
    "hypervisor/fake": ("host", "test"),
}
# What every unit test may use beside what its room may.
FOR_TESTS = ("seam/testing", "seam/posix", "hypervisor/fake")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:([<"])([^>"]+)[>"])?')
ROW = re.compile(r"^\|\s*`([^`]+)`\s*\|.*\|\s*([^|]+?)\s*\|\s*$")


class TableError(Exception):
    pass


def read_table(text):
    """The rooms of the table, in order: name -> list of what it may use ("codec", "codec/xml", "include")."""
    section = re.search(r"^## Rooms.*?$(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not section:
        raise TableError("ARCHITECTURE.md has no section '## Rooms'")
    rows = [match.groups() for match in map(ROW.match, section[1].splitlines()) if match]
    names = [PUBLIC if name.startswith("include/") else name.strip("/") for name, _ in rows]
    if PUBLIC not in names:
        raise TableError("the table of rooms has no row `include/stasis/`")
    return {name: parse_uses(name, uses, names) for name, (_, uses) in zip(names, rows)}


def parse_uses(room, text, names):
    text = text.replace("`", "").strip()
    if text == "nothing of ours":
        return []
    if match := re.fullmatch(r"everything but (\w+)", text):
        return [name for name in names if name not in (room, match[1])]
    uses = [part.strip().strip("/") for part in text.removesuffix(" only").split(",")]
    for use in uses:
        name = use.split("/")[0]
        if name not in names:
            raise TableError(f"row `{room}/`: '{use}' is no room of the table")
        if names.index(name) >= names.index(room):
            raise TableError(f"row `{room}/`: '{use}' does not stand above it")
    return uses


def within(path, folder):
    return path == folder or path.startswith(folder + "/")


def is_for_tests(path):
    return path.endswith(("_test.cc", "_for_test.h")) or "testing" in path.split("/")[:-1]


def one_of(path, users):
    """Whether the file at `path` (below src/) is one of `users`."""
    return any(is_for_tests(path) if user == "test" else within(path, user) for user in users)


def refusal(source, target, uses):
    """Why the file `source` may not include `target` (both below src/), or None."""
    room, target_room = source.split("/")[0], target.split("/")[0]
    for folder, users in RESTRICTED.items():
        if within(target, folder) and not within(source, folder) and not one_of(source, users):
            return f"only {' and '.join(users)} may include {folder}/"
    if is_for_tests(source) and any(within(target, folder) for folder in FOR_TESTS):
        return None
    if target_room == room:
        return sibling_refusal(room, source, target)
    if not any(within(target, use) for use in uses[room]):
        return f"{room}/ may use {', '.join(uses[room]) or 'nothing of ours'}, not {target_room}/"
    return None


def sibling_refusal(room, source, target):
    """Files at the top of the room may put its parts together; the parts know only themselves and the top."""
    source_parts, target_parts = source.split("/"), target.split("/")
    if room not in SEPARATE_SIBLINGS or len(source_parts) < 3 or len(target_parts) < 3:
        return None
    ours, theirs = source_parts[1], target_parts[1]
    if ours == theirs or (theirs == "testing" and is_for_tests(source)):
        return None
    return f"{room}/{ours}/ may not know of {room}/{theirs}/"


def check_include(path, target, rooms):
    """A finding for one include of the file at `path` (relative to the root), or None."""
    in_public = path.startswith("include/")
    if target.startswith("stasis/"):
        return None  # every room may use the public API
    target_room = target.split("/")[0]
    if target_room not in rooms or target_room == PUBLIC or "/" not in target:
        return None
    if in_public:
        return "include/stasis may use nothing of ours"
    return refusal(path.removeprefix("src/"), target, rooms)


def check_file(root, path, rooms):
    relative = path.relative_to(root).as_posix()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, target = match.groups()
        if target is None:
            finding = "an include that is a macro cannot be checked"
        elif ".." in target.split("/"):
            finding = f"'{target}' climbs out of its folder"
        elif quote == '"' and target.split("/")[0] not in rooms:
            finding = f"'{target}' does not begin with a room: write it from src/ on"
        else:
            finding = check_include(relative, target, rooms)
        if finding:
            yield f"{relative}:{number}: {finding}"


def check_tree(root):
    rooms = read_table((root / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    for folder in sorted(path for path in (root / "src").iterdir() if path.is_dir()):
        if folder.name not in rooms and any(folder.rglob("*.*")):
            yield f"src/{folder.name}:1: the room is not in the table of ARCHITECTURE.md"
    for top in ("include", "src"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in (".h", ".cc", ".in") or not path.is_file():
                continue
            room = path.relative_to(root / top).parts[0]
            if top == "include" or room in rooms:
                yield from check_file(root, path, rooms)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    try:
        findings = list(check_tree(parser.parse_args().root))
    except TableError as error:
        findings = [f"ARCHITECTURE.md:1: {error}"]
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
