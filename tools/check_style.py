#!/usr/bin/env python3
"""Checks the sizes and the opening of our C++ files.

A header has at most 150 lines, any other source 400, a function 60. A header opens with a comment that says what it is,
then #pragma once, and does not include libraries that are slow to compile. What is over stands in
tools/style_exceptions.txt, one "path rule value" a line ("src/x/y.cc source-lines 412"); the list may only shrink, so
an entry that is higher than needed, or not needed at all, is a finding too. Prints "file:line: finding"; exits 1 then.
"""

import argparse
import pathlib
import sys

from cxx_functions import functions

HEADER_LINES_MAX = 150
SOURCE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
TOPS = ("include", "src", "tests", "bench")
HEAVY = ("nlohmann/json.hpp", "CLI/")  # belong into .cc files
EXCEPTIONS = "tools/style_exceptions.txt"


class Finding:
    """One rule broken; `value` is what an exception would have to allow."""

    def __init__(self, path, line, rule, value, text):
        self.path, self.line, self.rule, self.value, self.text = path, line, rule, value, text

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text} [{self.rule} {self.value}]"


def check_opening(path, lines):
    if not lines or not lines[0].startswith("//"):
        yield Finding(path, 1, "opening", 1, "the header does not open with a comment that says what it is")
    code = next((line for line in lines if line.strip() and not line.startswith("//")), "")
    if code.strip() != "#pragma once":
        yield Finding(path, 1, "pragma-once", 1, "#pragma once does not follow the opening comment")
    for number, line in enumerate(lines, 1):
        if line.startswith("#include <") and line[10:].startswith(HEAVY):
            yield Finding(path, number, "heavy-include", 1, f"{line[9:].strip()} is slow to compile: keep it to .cc files")


def check_text(path, text):
    """All findings for the file of that relative path and content."""
    lines = text.splitlines()
    is_header = path.endswith(".h")
    rule, limit = ("header-lines", HEADER_LINES_MAX) if is_header else ("source-lines", SOURCE_LINES_MAX)
    if len(lines) > limit:
        yield Finding(path, limit + 1, rule, len(lines), f"{len(lines)} lines, {limit} are the limit")
    if is_header:
        yield from check_opening(path, lines)
    for name, first, count in functions(text):
        if count > FUNCTION_LINES_MAX:
            yield Finding(path, first, f"function:{name}", count,
                          f"{name} has {count} lines, {FUNCTION_LINES_MAX} are the limit")


def read_exceptions(text):
    """(path, rule) -> (line, value). Lines that begin with # are remarks."""
    entries = {}
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        if len(parts) != 3 or not parts[2].isdigit():
            raise ValueError(f"{EXCEPTIONS}:{number}: write: path rule value")
        entries[(parts[0], parts[1])] = (number, int(parts[2]))
    return entries


def apply_exceptions(findings, entries):
    """The findings that no entry allows, and the entries that are not needed as they stand."""
    needed = {}
    for finding in findings:
        key = (finding.path, finding.rule)
        needed[key] = max(needed.get(key, 0), finding.value)
        if finding.value > entries.get(key, (0, 0))[1]:
            yield str(finding)
    for (path, rule), (number, value) in entries.items():
        need = needed.get((path, rule), 0)
        if need == 0:
            yield f"{EXCEPTIONS}:{number}: {path} {rule} is no longer needed: remove it"
        elif need < value:
            yield f"{EXCEPTIONS}:{number}: {path} {rule} needs only {need}: lower it"


def sources(root):
    for top in TOPS:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".h", ".cc") and path.is_file():
                yield path


def check_tree(root):
    listed = root / EXCEPTIONS
    try:
        entries = read_exceptions(listed.read_text(encoding="utf-8") if listed.exists() else "")
    except ValueError as error:
        return [str(error)]
    findings = []
    for path in sources(root):
        findings += check_text(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    return list(apply_exceptions(findings, entries))


def print_summary(root):
    lengths = sorted(count for path in sources(root) for _, _, count in functions(path.read_text(encoding="utf-8")))
    if lengths:
        print(f"{len(lengths)} functions, half of them up to {lengths[len(lengths) // 2]} lines, longest {lengths[-1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--summary", action="store_true", help="also print how long functions are")
    arguments = parser.parse_args()
    findings = check_tree(arguments.root)
    print("\n".join(findings), end="\n" if findings else "")
    if arguments.summary:
        print_summary(arguments.root)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
