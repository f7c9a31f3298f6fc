#include "cli/printable.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "cli/tables.h"

namespace stasis::cli {
namespace {

TEST(Printable, WhatATerminalWouldActOnIsWrittenOut) {
    EXPECT_EQ(printable("a\x1b[2Jb"), "a\\x1b[2Jb");
    EXPECT_EQ(printable("a\nb\tc"), "a\\x0ab\\x09c");
    EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");              // U+009B, the one-byte form of ESC [
    EXPECT_EQ(printable("\xe2\x80\xae"), "\\xe2\\x80\\xae");     // U+202E turns what follows around
    EXPECT_EQ(printable("\xe2\x80\xa8"), "\\xe2\\x80\\xa8");     // U+2028 line separator
    EXPECT_EQ(printable("Gr\xc3\xbc\xc3\x9f"), "Gr\xc3\xbc\xc3\x9f");
}

TEST(Printable, BadUtf8IsWrittenOutByteByByte) {
    EXPECT_EQ(printable("\xff"), "\\xff");
    EXPECT_EQ(printable("\xc3"), "\\xc3");                    // cut
    EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80");          // overlong NUL
    EXPECT_EQ(printable("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");  // overlong '/'
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Printable, DocumentsKeepTheirLines) { EXPECT_EQ(printable_document("<a>\n\t\x1b</a>"), "<a>\n\t\\x1b</a>"); }

TEST(Printable, Durations) {
    EXPECT_EQ(format_duration(0), "0.0 ms");
    EXPECT_EQ(format_duration(3'240), "3.2 ms");
    EXPECT_EQ(format_duration(130'400), "130 ms");
    EXPECT_EQ(format_duration(1'240'000), "1.24 s");
    EXPECT_EQ(format_duration(125'000'000), "2 min 5 s");
}

TEST(Printable, Times) {
    EXPECT_EQ(format_utc_time(0), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(format_utc_time(1'767'268'800'000'001), "2026-01-01T12:00:00.000001Z");
    EXPECT_EQ(format_utc_time(-1), "1969-12-31T23:59:59.999999Z");
    setenv("TZ", "XYZ-2", 1);
    tzset();
    EXPECT_EQ(format_local_time(1'767'268'800'000'000), "2026-01-01 14:00:00 +0200");
    unsetenv("TZ");
    tzset();
}

TEST(Tables, LookAsInVirsh) {
    Table table({"Id", "Name", "State"});
    table.add({"-", "fedora28", "shut off"});
    EXPECT_EQ(table.render(false),
              " Id   Name       State\n"
              "---------------------------\n"
              " -    fedora28   shut off\n"
              "\n");
    EXPECT_EQ(table.render(true), " -   fedora28   shut off\n");
}

TEST(Tables, ColumnsCountCodePointsAndCellsAreMadePrintable) {
    Table table({"N", "S"});
    table.add({"\xc3\xbc", "x"});
    table.add({"a\nb", "y"});
    EXPECT_EQ(table.render(true),
              " \xc3\xbc        x\n"
              " a\\x0ab   y\n");
}

TEST(Tables, Record) { EXPECT_EQ(render_record({{"Name", "web"}, {"Title", "a\x1b"}}), "Name:           web\nTitle:          a\\x1b\n"); }

// The drawing is that of virsh's vshTreePrint, less blanks at the ends of lines.
TEST(Tables, TreeLooksAsInVirsh) {
    EXPECT_EQ(render_tree({{"a", ""}, {"b", "a"}, {"c", "b"}, {"d", "a"}, {"e", ""}}),
              "a\n"
              "  |\n"
              "  +- b\n"
              "  |   |\n"
              "  |   +- c\n"
              "  |\n"
              "  +- d\n"
              "\n"
              "e\n"
              "\n");
}

TEST(Tables, ATreeOfALoopOrAMissingParentEnds) {
    EXPECT_EQ(render_tree({{"a", "gone"}}), "a\n\n");
    EXPECT_EQ(render_tree({{"a", "b"}, {"b", "a"}}), "");
    EXPECT_EQ(render_tree({{"a", "a"}}), "a\n\n");
}

}  // namespace
}  // namespace stasis::cli
