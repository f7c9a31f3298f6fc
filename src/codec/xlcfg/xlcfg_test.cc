#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/xlcfg/config.h"
#include "codec/xlcfg/disk_spec.h"

namespace stasis::codec::xlcfg {
namespace {

using testing::HasSubstr;

std::vector<Setting> settings_of(std::string_view text) {
    auto settings = parse(text, "web.cfg");
    EXPECT_TRUE(settings.has_value()) << (settings ? "" : settings.error().render());
    return settings ? *std::move(settings) : std::vector<Setting>{};
}

std::string refusal_of(std::string_view text) {
    const auto settings = parse(text, "web.cfg");
    if (settings) return "accepted";
    EXPECT_EQ(settings.error().kind, ErrorKind::invalid);
    return settings.error().render();
}

TEST(XlConfig, ReadsNumbersStringsAndLists) {
    const auto settings = settings_of("# a guest\nname = \"web\" ; memory=512\ndisk=[ 'a', # the first\n  \"b\",\n]\n\nempty = []");
    ASSERT_EQ(settings.size(), 4u);
    EXPECT_EQ(settings[0].key, "name");
    EXPECT_EQ(settings[0].value.text, "web");
    EXPECT_EQ(settings[0].place.line, 2u);
    EXPECT_EQ(settings[0].value.place.column, 8u);
    EXPECT_EQ(settings[1].key, "memory");
    EXPECT_EQ(settings[1].value.text, "512");
    EXPECT_TRUE(settings[2].is_list);
    ASSERT_EQ(settings[2].items.size(), 2u);
    EXPECT_EQ(settings[2].items[1].text, "b");
    EXPECT_EQ(settings[2].items[1].place.line, 4u);
    EXPECT_EQ(settings[2].items[1].place.column, 3u);
    EXPECT_TRUE(settings[3].items.empty());
}

TEST(XlConfig, UnquotesAsXlDoes) {
    EXPECT_EQ(settings_of(R"(a='it\'s "x" \\ \t\x41\102')")[0].value.text, "it's \"x\" \\ \tAB");
    EXPECT_EQ(settings_of("a='#;[]'")[0].value.text, "#;[]");
    EXPECT_EQ(settings_of("a=\"\xC3\xA9\"")[0].value.text, "\xC3\xA9");
}

TEST(XlConfig, NamesLineAndColumn) {
    EXPECT_THAT(refusal_of("name='a'\nmemory = oops\n"), HasSubstr("web.cfg line 2, column 10"));
    EXPECT_THAT(refusal_of("name='a'\n  disk=['x' 'y']\n"), HasSubstr("line 2, column 13"));
    EXPECT_THAT(refusal_of("a='open\n"), HasSubstr("line 1, column 3"));
}

TEST(XlConfig, RefusesWhatItCannotRead) {
    for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
             {"a", "'='"}, {"a=", "the end of the file"}, {"=1", "a key"}, {"A=1", "'A' does not belong"}, {"a=1 b=2", "newline or ';'"},
             {"a=[1,,2]", "','"}, {"a=[1", "the end of the file"}, {"a=[1;2]", "',' or ']'"}, {"a=[[1]]", "list within a list"},
             {"a='\\q'", "backslash"}, {"a='\\x4'", "needs 2 digits"}, {"a='\\400'", "not from 1 to 255"}, {"a='\\000'", "not from 1 to 255"},
             {"a='", "does not end"}, {"a='\\", "ends within a string"}, {"a=1\na=2", "a second time"}, {"a+=1", "'+' does not belong"},
             {"a=-1", "'-' does not belong"}, {"a=1\xC3", "the byte 195"}, {std::string("a=\0", 3), "the byte 0"}})
        EXPECT_THAT(refusal_of(text), HasSubstr(why)) << text;
}

TEST(XlConfig, HoldsItsLimits) {
    EXPECT_THAT(refusal_of(std::string(kConfigBytesMax + 1, '\n')), HasSubstr("longer than 1048576 bytes"));
    EXPECT_EQ(refusal_of(std::string(kConfigBytesMax, '\n')), "accepted");
    const auto list = [](std::size_t items) {
        std::string text = "a=[";
        for (std::size_t i = 0; i < items; ++i) text += "1,";
        return text + "]";
    };
    EXPECT_EQ(refusal_of(list(kConfigItemsMax - 1)), "accepted") << "the setting counts as one";
    EXPECT_THAT(refusal_of(list(kConfigItemsMax)), HasSubstr("more than 10000"));
}

TEST(XlConfig, KnowsXlsNumbers) {
    const auto number = [](std::string text) { return number_of({std::move(text), {}}, "web.cfg"); };
    EXPECT_EQ(*number("512"), 512);
    EXPECT_EQ(*number("0x10"), 16);
    EXPECT_EQ(*number("010"), 8);
    EXPECT_EQ(*number("0"), 0);
    EXPECT_EQ(*number("9223372036854775807"), 9223372036854775807);
    for (const auto* bad : {"", "-1", "1x", "09", "0x", "9223372036854775808", "1 ", "0x-1"}) EXPECT_FALSE(number(bad).has_value()) << bad;
}

DiskSpec spec_of(std::string_view text) {
    const auto spec = parse_disk_spec(text);
    EXPECT_TRUE(spec.has_value()) << text << (spec ? "" : spec.error().render());
    return spec ? *spec : DiskSpec{};
}

// The examples of xl-disk-configuration(5) that it calls equivalent.
TEST(DiskSpec, ReadsTheManualsEquivalentDisks) {
    const DiskSpec volume{.target = "/dev/vg/guest-volume", .vdev = "hda"};
    for (const auto* text : {"/dev/vg/guest-volume,,hda", "/dev/vg/guest-volume,raw,hda,rw",
                             "format=raw, vdev=hda, access=rw, target=/dev/vg/guest-volume", "raw:/dev/vg/guest-volume,hda,w"})
        EXPECT_EQ(spec_of(text), volume) << text;
    const DiskSpec image{.target = "/root/image.iso", .vdev = "hdc", .writable = false, .cdrom = true};
    for (const auto* text : {"/root/image.iso,,hdc,cdrom", "/root/image.iso,,hdc,,cdrom", "/root/image.iso,raw,hdc,devtype=cdrom",
                             "format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/root/image.iso", "raw:/root/image.iso,hdc:cdrom,ro"})
        EXPECT_EQ(spec_of(text), image) << text;
}

TEST(DiskSpec, TargetTakesTheRest) {
    EXPECT_EQ(spec_of("vdev=xvda,target=/d/a,b:c=d ").target, "/d/a,b:c=d ");
    EXPECT_EQ(spec_of(",qcow2,xvda,rw,target=/d/a").target, "/d/a") << "an empty positional target may be given again";
    EXPECT_EQ(spec_of("format=qcow2,vdev=xvda,access=rw,target=/d/a.qcow2"),
              (DiskSpec{.target = "/d/a.qcow2", .format = "qcow2", .vdev = "xvda"}));
}

TEST(DiskSpec, KnowsDeprecatedForms) {
    EXPECT_EQ(spec_of("tap:aio:qcow2:/d/a,hda,w").format, "qcow2");
    EXPECT_EQ(spec_of("tap:aio:qcow2:/d/a,hda,w").target, "/d/a");
    EXPECT_TRUE(spec_of("phy:vg/a,xvda,w").physical);
    EXPECT_EQ(spec_of("file:/d/a,hda,r"), (DiskSpec{.target = "/d/a", .vdev = "hda", .writable = false}));
    EXPECT_EQ(spec_of(",hdc:cdrom,r"), (DiskSpec{.format = "empty", .vdev = "hdc", .writable = false, .cdrom = true}));
    EXPECT_EQ(spec_of("nbd:x,xvda,w").foreign, std::vector<std::string>{"script=block-nbd"});
}

TEST(DiskSpec, KnowsFlags) {
    EXPECT_EQ(spec_of("/a,,xvda,discard").discard, true);
    EXPECT_EQ(spec_of("/a,,xvda,no-discard").discard, false);
    EXPECT_EQ(spec_of("/a,,xvda").discard, std::nullopt);
    EXPECT_EQ(spec_of("/a,,xvda,direct-io-safe,backendtype=qdisk"), (DiskSpec{.target = "/a", .vdev = "xvda"}));
    EXPECT_EQ(spec_of("/a,,xvda,backend=storage").foreign, std::vector<std::string>{"backend=storage"});
}

TEST(DiskSpec, RefusesWithTheRule) {
    for (const auto& [text, why] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"", "no virtual device"}, {"/a", "no virtual device"}, {"/a,raw,", "no virtual device"}, {"/a,vmdk,hda", "format 'vmdk' is unknown"},
             {"/a,raw,hda,x", "access 'x' is unknown"}, {"/a,raw,hda,rw,b", "one positional parameter too many"},
             {"/a,raw,hda,format=qcow2", "format is given twice"}, {"/a,,hda,vdev=hdb", "given twice"}, {"/a,,hda,target=/b", "target is given twice"},
             {"colour=blue,vdev=hda,target=/a", "parameter 'colour' is unknown"}, {"/a,,hda,devtype=floppy", "device type 'floppy'"},
             {",raw,hda", "no target"}, {"rbd:pool/a,raw,hda", "'rbd:' is no prefix"}, {"/a,,hdc,rw,cdrom", "cannot be written"},
             {"/a,,hda,backendtype=magic", "backendtype=magic"},
             {"/a,,hd:x:cdrom", "'hd:x' is no virtual device"}, {"/a,,hda b", "'hda b' is no virtual device"}}) {
        const auto spec = parse_disk_spec(text);
        ASSERT_FALSE(spec.has_value()) << text;
        EXPECT_THAT(spec.error().render(), HasSubstr(why)) << text;
    }
}

}  // namespace
}  // namespace stasis::codec::xlcfg
