#!/usr/bin/env python3
"""Tests of check_layers.py and check_style.py: each rule is broken once, and must be found."""

import pathlib
import tempfile
import unittest

import check_layers
import check_style
from cxx_functions import functions

TABLE = """# The house

## Rooms from the ground up

| room | what lives there | may use |
|---|---|---|
| `include/stasis/` | public | nothing of ours |
| `base/` | basics | include |
| `seam/` | outside | base |
| `codec/` | bytes | base |
| `model/` | values | codec/xml, base |
| `hypervisor/` | drivers | codec, seam, model, base |
| `storage/` | images | seam, base |
| `host/` | use cases | everything but cli |
| `cli/` | program | include only |

## Flows
"""


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.write("ARCHITECTURE.md", TABLE)
        for name in ("include/stasis", "src"):
            (self.root / name).mkdir(parents=True)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


class Layers(Tree):
    def findings(self, path, *includes):
        self.write(path, "// x\n" + "".join(f"#include {include}\n" for include in includes))
        found = list(check_layers.check_tree(self.root))
        (self.root / path).unlink()
        return found

    def assert_allowed(self, path, *includes):
        self.assertEqual(self.findings(path, *includes), [])

    def assert_refused(self, path, include):
        found = self.findings(path, include)
        self.assertEqual(len(found), 1, (path, include, found))
        self.assertTrue(found[0].startswith(f"{path}:2: "), found)

    def test_what_the_table_names_is_allowed(self):
        self.assert_allowed("src/base/a.h", "<stasis/error.h>", '"base/b.h"', "<vector>", "<fmt/format.h>", "<sys/stat.h>")
        self.assert_allowed("src/model/a.h", '"codec/xml/reader.h"', '"base/b.h"')
        self.assert_allowed("src/hypervisor/qemu/a.cc", '"codec/qmp/line.h"', '"hypervisor/qemu/b.h"')
        self.assert_allowed("src/host/a.cc", '"seam/posix/posix.h"', '"hypervisor/fake/fake.h"', '"storage/qcow2/v.h"')
        self.assert_allowed("src/cli/a.cc", "<stasis/host.h>", '"cli/b.h"')
        self.assert_allowed("include/stasis/a.h", "<stasis/error.h>", "<string>")

    def test_what_it_does_not_name_is_refused(self):
        self.assert_refused("src/base/a.cc", '"seam/clock.h"')
        self.assert_refused("src/base/a.cc", "<seam/clock.h>")
        self.assert_refused("src/model/a.cc", '"codec/qmp/line.h"')
        self.assert_refused("src/model/a.cc", '"seam/clock.h"')
        self.assert_refused("src/storage/a.cc", '"model/a.h"')
        self.assert_refused("src/cli/a.cc", '"base/result.h"')
        self.assert_refused("src/host/a.cc", '"cli/main.h"')
        self.assert_refused("include/stasis/a.h", '"base/result.h"')

    def test_parts_that_stand_for_themselves(self):
        self.assert_refused("src/hypervisor/qemu/a.cc", '"hypervisor/fake/fake.h"')
        self.assert_refused("src/hypervisor/qemu/a.cc", '"hypervisor/xen/xl.h"')
        self.assert_refused("src/hypervisor/fake/a.cc", '"hypervisor/qemu/qmp.h"')
        self.assert_refused("src/storage/qcow2/a.cc", '"storage/lvm/v.h"')
        self.assert_allowed("src/storage/qcow2/a.cc", '"storage/volume.h"')
        self.assert_allowed("src/storage/storage.cc", '"storage/lvm/v.h"')

    def test_the_real_and_the_pretended_world(self):
        self.assert_refused("src/seam/file_system.cc", '"seam/posix/posix.h"')
        self.assert_refused("src/hypervisor/qemu/a.cc", '"seam/posix/posix.h"')
        self.assert_refused("src/host/a.cc", '"seam/testing/manual_clock.h"')
        self.assert_allowed("src/seam/posix/a.cc", '"seam/posix/posix.h"')
        self.assert_allowed("src/seam/testing/a.cc", '"seam/testing/b.h"')
        self.assert_allowed("src/codec/a_test.cc", '"seam/testing/manual_clock.h"', '"hypervisor/fake/fake.h"')
        self.assert_allowed("src/storage/testing/images.h", '"seam/posix/posix.h"')
        self.assert_allowed("src/hypervisor/qemu/monitor_for_test.h", '"seam/testing/scripted_channel.h"')
        self.assert_refused("src/codec/a_test.cc", '"seam/clock.h"')

    def test_includes_that_hide_where_they_lead(self):
        self.assert_refused("src/base/a.cc", '"neighbour.h"')
        self.assert_refused("src/base/a.cc", '"base/../seam/clock.h"')
        self.assert_refused("src/base/a.cc", "SOME_MACRO")
        self.assert_refused("src/base/a.cc", ' \t"seam/clock.h"  // with a remark')

    def test_a_room_that_is_not_in_the_table(self):
        self.write("src/attic/a.cc", "")
        self.assertEqual(list(check_layers.check_tree(self.root)),
                         ["src/attic:1: the room is not in the table of ARCHITECTURE.md"])

    def test_a_table_that_contradicts_itself(self):
        for old, new in (("| outside | base |", "| outside | cellar |"), ("| outside | base |", "| outside | model |"),
                         ("## Rooms", "## Plan"), ("`include/stasis/`", "`public/`")):
            with self.assertRaises(check_layers.TableError):
                check_layers.read_table(TABLE.replace(old, new))


class Functions(unittest.TestCase):
    def measure(self, text):
        return [(name, count) for name, _, count in functions(text)]

    def test_finds_functions_and_their_lengths(self):
        self.assertEqual(self.measure("namespace a {\nint f(int x) {\n  return x;\n}\n}\n"), [("f", 3)])
        self.assertEqual(self.measure("struct S {\n  int g() const { return 1; }\n};\n"), [("g", 1)])
        self.assertEqual(self.measure("template <class T>\nauto h(T t)\n    -> R<decltype(t())> {\n}\n"), [("h", 4)])
        self.assertEqual(self.measure("TEST(Suite, name) {\n}\n"), [("Suite.name", 2)])
        self.assertEqual(self.measure("const auto f = [](int x) {\n  return x;\n};\n"), [("f", 3)])

    def test_a_constructor_with_a_list_is_one_function(self):
        self.assertEqual(len(self.measure("A::A(int x) : a_{x}, b_(x) {\n  go();\n}\n")), 1)

    def test_is_not_fooled_by_literals_comments_and_values(self):
        self.assertEqual(self.measure('void f() {\n  g("}"); // }\n  h(\'}\');\n  i(R"x(})x");\n  n = 1\'000; /* } */\n}\n'),
                         [("f", 6)])
        self.assertEqual(self.measure("std::array<int, sizeof(T)> a{};\nint b{f(1)};\nint c = {1};\n"), [])
        self.assertEqual(self.measure("#define X {\nvoid f() {\n}\n"), [("f", 2)])
        self.assertEqual(self.measure("enum class E : int { a, b };\nstruct alignas(8) S { int x; };\n"), [])


class Style(Tree):
    def findings(self):
        return check_style.check_tree(self.root)

    def assert_one(self, part):
        found = self.findings()
        self.assertEqual(len(found), 1, found)
        self.assertIn(part, found[0])

    def test_good_files_pass(self):
        self.write("src/a/a.h", "// What it is.\n#pragma once\n" + "int x;\n" * 148)
        self.write("src/a/a.cc", "int x;\n" * 400)
        self.write("tests/a.cc", "void f() {\n" + "g();\n" * 58 + "}\n")
        self.assertEqual(self.findings(), [])

    def test_sizes(self):
        for path, text, part in (("src/a.h", "// x\n#pragma once\n" + "int x;\n" * 149, "[header-lines 151]"),
                                 ("src/a.cc", "int x;\n" * 401, "[source-lines 401]"),
                                 ("tests/a.cc", "void f() {\n" + "g();\n" * 59 + "}\n", "[function:f 61]")):
            self.write(path, text)
            self.assert_one(part)
            (self.root / path).unlink()

    def test_openings(self):
        for text, part in (("#pragma once\nint x;\n", "opening"), ("// x\nint x;\n", "pragma-once"), ("", "opening"),
                           ("// x\n#pragma once\n#include <nlohmann/json.hpp>\n", "heavy-include")):
            self.write("include/stasis/a.h", text)
            self.assertIn(part, self.findings()[0])

    def test_exceptions_allow_exactly_what_is_needed(self):
        self.write("src/a.cc", "int x;\n" * 410)
        for value, part in ((410, None), (405, "[source-lines 410]"), (420, "needs only 410")):
            self.write("tools/style_exceptions.txt", f"# remark\nsrc/a.cc source-lines {value}\n")
            self.assert_one(part) if part else self.assertEqual(self.findings(), [])

    def test_exceptions_that_are_not_needed_must_go(self):
        self.write("tools/style_exceptions.txt", "src/gone.cc source-lines 500\n")
        self.assert_one("no longer needed")
        self.write("tools/style_exceptions.txt", "nonsense\n")
        self.assert_one("write: path rule value")


if __name__ == "__main__":
    unittest.main()
