#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/xml/element.h"

namespace stasis::codec::xml {
namespace {

using testing::HasSubstr;

std::string refusal_of(std::string_view document) {
    const auto root = parse(document, "web.xml");
    return root ? "accepted" : root.error().render();
}

TEST(XmlReader, GivesTheTreeWithLinesNamespacesAndText) {
    const auto root = parse("<?xml version='1.0' encoding='UTF-8'?>\n<!-- made by hand -->\n"
                            "<a xmlns:q='urn:q' k='1 &amp; &#x41;'>\n  <q:b q:l='2'/>\n  <c><![CDATA[<raw>]]> &lt;t&gt;</c>\n</a>\n",
                            "web.xml");
    ASSERT_TRUE(root.has_value()) << root.error().render();
    EXPECT_EQ(root->name, "a");
    EXPECT_EQ(root->line, 3u);
    ASSERT_NE(root->find("k"), nullptr);
    EXPECT_EQ(*root->find("k"), "1 & A");
    EXPECT_EQ(root->text, "");
    ASSERT_EQ(root->children.size(), 2u);
    EXPECT_EQ(root->children[0].qualified_name(), "q:b");
    EXPECT_EQ(root->children[0].ns, "urn:q");
    EXPECT_EQ(root->children[0].attributes[0].ns, "urn:q");
    EXPECT_EQ(root->children[0].find("l"), nullptr) << "it has a namespace";
    EXPECT_EQ(root->children[1].text, "<raw> <t>");
    EXPECT_EQ(root->children[1].line, 5u);
}

TEST(XmlReader, KeepsWhiteSpaceOnlyWhereItMeansSomething) {
    EXPECT_EQ(parse("<a> <b/> </a>", "x")->text, "");
    EXPECT_EQ(parse("<a> <b/> </a>", "x")->children[0].tail, "");
    EXPECT_EQ(parse("<a>see <b/> there</a>", "x")->text, "see ");
    EXPECT_EQ(parse("<a>see <b/> there</a>", "x")->children[0].tail, " there");
    EXPECT_EQ(parse("<a> </a>", "x")->text, " ");
}

TEST(XmlReader, RefusesEveryDocumentType) {
    EXPECT_THAT(refusal_of("<!DOCTYPE a>\n<a/>"), HasSubstr("document type"));
    EXPECT_THAT(refusal_of("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"), HasSubstr("document type"));
    EXPECT_THAT(refusal_of("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"), HasSubstr("document type"));
    EXPECT_THAT(refusal_of("<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1/'> %x;]><a/>"), HasSubstr("document type"));
    EXPECT_THAT(refusal_of("<a>&x;</a>"), HasSubstr("'x' not defined"));
}

TEST(XmlReader, NamesSourceAndLine) {
    EXPECT_THAT(refusal_of("<a>\n<b>\n</a>"), HasSubstr("web.xml line 3"));
    EXPECT_THAT(refusal_of("<a>\n<b c='1' c='2'/></a>"), HasSubstr("web.xml line 2"));
    EXPECT_THAT(refusal_of("<a>\n\n<q:b/></a>"), HasSubstr("web.xml line 3"));
}

TEST(XmlReader, RefusesWhatIsNotOneUtf8Document) {
    for (const std::string_view document :
         {std::string_view(""), std::string_view(" \n"), std::string_view("<a/><b/>"), std::string_view("<a/>x"),
          std::string_view("x<a/>"), std::string_view("<a"), std::string_view("<a>\xFF</a>"), std::string_view("<a>\0</a>", 8),
          std::string_view("<a>&#0;</a>"), std::string_view("<a>\x1b[31m</a>"), std::string_view("<a b='<'/>"),
          std::string_view("\xFF\xFE<\0a\0/\0>\0", 10), std::string_view("<?xml version='1.0' encoding='ISO-8859-1'?><a/>"),
          std::string_view("<?xml-stylesheet href='x'?><a/>"), std::string_view("<a><?php x ?></a>")})
        EXPECT_NE(refusal_of(document), "accepted") << document;
}

TEST(XmlReader, HoldsItsLimits) {
    const auto nested = [](std::size_t depth) {
        std::string text;
        for (std::size_t i = 0; i < depth; ++i) text += "<a>";
        for (std::size_t i = 0; i < depth; ++i) text += "</a>";
        return text;
    };
    EXPECT_EQ(refusal_of(nested(kDepthMax)), "accepted");
    EXPECT_THAT(refusal_of(nested(kDepthMax + 1)), HasSubstr("nested deeper than 64"));
    const auto wide = [](std::size_t count) {
        std::string text = "<a>";
        for (std::size_t i = 1; i < count; ++i) text += "<b/>";
        return text + "</a>";
    };
    EXPECT_EQ(refusal_of(wide(kElementsMax)), "accepted");
    EXPECT_THAT(refusal_of(wide(kElementsMax + 1)), HasSubstr("more than 20000 elements"));
    const auto attribute = [](std::size_t bytes) { return "<a b='" + std::string(bytes - 1, 'x') + "'/>"; };
    EXPECT_EQ(refusal_of(attribute(kAttributeBytesMax)), "accepted");
    EXPECT_THAT(refusal_of(attribute(kAttributeBytesMax + 1)), HasSubstr("longer than 65536 bytes"));
    EXPECT_THAT(refusal_of("<a xmlns='" + std::string(kNamespaceBytesMax + 1, 'x') + "'/>"), HasSubstr("namespace URI"));
    EXPECT_THAT(refusal_of("<a>" + std::string(kDocumentBytesMax, 'x') + "</a>"), HasSubstr("document is longer"));
}

TEST(XmlReader, PrintsNothing) {
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    for (const std::string_view document : {"<a", "<a>&x;</a>", "<q:a/>", "<a xmlns='relative'/>", "<a>\xC3\x28</a>", "<a/><a/>",
                                            "<!DOCTYPE a SYSTEM 'nowhere'><a/>", "<a b='&c;'/>", "<a><!-- -- --></a>"})
        (void)parse(document, "x");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST(XmlWriter, EscapesWhatAParserWouldChange) {
    Element root{.name = "a"};
    root.attributes.push_back({.name = "b", .value = "<&>\"'\t\n\r\x01"});
    root.text = "<&>\"'\t\n\r]]>";
    EXPECT_EQ(write_fragment(root), "<a b=\"&lt;&amp;&gt;&quot;'&#9;&#10;&#13;\xEF\xBF\xBD\">&lt;&amp;&gt;\"'\t\n&#13;]]&gt;</a>");
    const auto again = parse(write_fragment(root), "x");
    ASSERT_TRUE(again.has_value()) << again.error().render();
    EXPECT_EQ(again->text, root.text);
}

TEST(XmlWriter, IndentsAndKeepsMixedContentAlone) {
    const auto root = parse("<a><b><c/></b><d>x</d><e>p<f><g/></f> q</e></a>", "x");
    ASSERT_TRUE(root.has_value());
    EXPECT_EQ(write_document(*root),
              "<a>\n  <b>\n    <c/>\n  </b>\n  <d>x</d>\n  <e>p<f><g/></f> q</e>\n</a>\n");
}

TEST(XmlWriter, DeclaresPrefixesWhereTheyAreNeeded) {
    const auto root = parse("<a xmlns:q='urn:q' xmlns:unused='urn:u'><q:b/><c q:d='1'><q:e xmlns:q='urn:other'/></c></a>", "x");
    ASSERT_TRUE(root.has_value());
    EXPECT_EQ(write_fragment(*root),
              "<a><q:b xmlns:q=\"urn:q\"/><c xmlns:q=\"urn:q\" q:d=\"1\"><q:e xmlns:q=\"urn:other\"/></c></a>");
    const auto deep = parse("<a xmlns='urn:a'><b xmlns=''><c xml:lang='en'/></b></a>", "x");
    ASSERT_TRUE(deep.has_value());
    EXPECT_EQ(write_fragment(*deep), "<a xmlns=\"urn:a\"><b xmlns=\"\"><c xml:lang=\"en\"/></b></a>");
}

TEST(XmlWriter, AFragmentIsItsOwnCanonicalForm) {
    for (const std::string_view document :
         {"<a/>", "<a>\n <b> x </b>\n</a>", "<a>x<b/>\n<c/></a>", "<m:a xmlns:m='urn:m'><b xmlns='urn:n'/></m:a>", "<a b='&#9;'>&#13;</a>"}) {
        const auto once = write_fragment(*parse(document, "x"));
        EXPECT_EQ(write_fragment(*parse(once, "x")), once);
        EXPECT_EQ(write_fragment(*parse(write_document(*parse(document, "x")), "x")), once);
    }
}

TEST(XmlWriter, KnowsWhatXmlCanCarry) {
    EXPECT_TRUE(is_xml_text("a\t\n\r \xC3\xA9"));
    EXPECT_FALSE(is_xml_text("\x1b"));
    EXPECT_FALSE(is_xml_text("\xEF\xBF\xBF"));
    EXPECT_FALSE(is_xml_text("\xFF"));
    EXPECT_TRUE(is_xml_name("pcie-root_port.1"));
    EXPECT_FALSE(is_xml_name("1a"));
    EXPECT_FALSE(is_xml_name(""));
    EXPECT_FALSE(is_xml_name("a b"));
}

}  // namespace
}  // namespace stasis::codec::xml
