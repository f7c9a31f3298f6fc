#include "codec/qmp/message.h"

#include <gtest/gtest.h>

#include "codec/qmp/line_framer.h"

namespace stasis::codec::qmp {
namespace {

TEST(QmpMessage, reads_the_greeting) {
    const auto message = parse_message(
        R"({"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}})");
    ASSERT_TRUE(message) << message.error().render();
    EXPECT_EQ(message->kind, MessageKind::greeting);
    EXPECT_EQ(message->version.str(), "7.2.22");
    EXPECT_TRUE(message->offers_oob);
    EXPECT_LT(message->version, (Version{8, 0, 0}));
}

TEST(QmpMessage, reads_reply_with_its_id) {
    const auto message = parse_message(R"({"return": {"status": "paused"}, "id": 7})");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, MessageKind::reply);
    EXPECT_EQ(message->id, 7);
    EXPECT_EQ(text_of(message->data, "status"), "paused");
}

TEST(QmpMessage, reads_error_and_its_class) {
    const auto message = parse_message(R"({"id": 3, "error": {"class": "CommandNotFound", "desc": "no such"}})");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, MessageKind::error);
    EXPECT_EQ(message->error_class, "CommandNotFound");
    EXPECT_EQ(message->description, "no such");
    EXPECT_EQ(message->id, 3);
}

TEST(QmpMessage, an_event_carries_the_hosts_time_in_microseconds) {
    const auto message =
        parse_message(R"({"timestamp": {"seconds": 1700000001, "microseconds": 25}, "event": "STOP"})");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, MessageKind::event);
    EXPECT_EQ(message->event, "STOP");
    EXPECT_EQ(message->timestamp_us, 1700000001000025);
}

TEST(QmpMessage, an_event_without_a_usable_time_has_time_zero) {
    const auto message = parse_message(R"({"timestamp": {"seconds": -1, "microseconds": -1}, "event": "STOP"})");
    ASSERT_TRUE(message);
    EXPECT_EQ(message->timestamp_us, 0);
}

TEST(QmpMessage, refuses_what_is_no_message) {
    for (const char* line : {"", "{", "[]", "1", R"({"foo": 1})", R"({"QMP": 1})", R"({"event": 5})", "{} {}"})
        EXPECT_FALSE(parse_message(line)) << line;
}

TEST(QmpMessage, refuses_deep_nesting) {
    EXPECT_TRUE(parse_json(std::string(kJsonDepthMax, '[') + std::string(kJsonDepthMax, ']')));
    EXPECT_FALSE(parse_json(std::string(kJsonDepthMax + 1, '[') + std::string(kJsonDepthMax + 1, ']')));
    EXPECT_TRUE(parse_json("\"" + std::string(1000, '[') + "\\\"[\""));  // brackets in a string do not nest
}

TEST(QmpMessage, a_command_is_one_line_that_reads_back) {
    const std::string line = command_line({"blockdev-add", Json{{"filename", "a\"b,\n\xff"}}, false}, 12);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto back = parse_json(line);
    ASSERT_TRUE(back);
    EXPECT_EQ(text_of(*back, "execute"), "blockdev-add");
    EXPECT_EQ(integer_of(*back, "id"), 12);
    EXPECT_NE(command_line({"migrate-recover", {}, true}, 1).find("exec-oob"), std::string::npos);
}

TEST(QmpJson, readers_answer_nothing_for_other_types) {
    const Json value = {{"n", 1}, {"s", "x"}, {"big", 18446744073709551615ull}, {"l", {1, 2}}};
    EXPECT_EQ(text_of(value, "n"), "");
    EXPECT_EQ(integer_of(value, "s"), std::nullopt);
    EXPECT_EQ(integer_of(value, "big"), std::nullopt);
    EXPECT_EQ(list_of(value, "l").size(), 2u);
    EXPECT_TRUE(list_of(value, "s").empty());
    EXPECT_EQ(member(Json(5), "x"), nullptr);
    EXPECT_TRUE(flag_of(value, "absent", true));
}

TEST(QmpLineFramer, gives_whole_lines_however_they_arrive) {
    LineFramer framer;
    const std::string text = "{\"a\":1}\r\n\n{\"b\":2}\n{\"c\"";
    std::vector<std::string> lines;
    for (const char c : text) {
        ASSERT_TRUE(framer.push(std::string_view(&c, 1)));
        while (auto line = framer.next()) lines.push_back(*line);
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"{\"a\":1}", "{\"b\":2}"}));
    ASSERT_TRUE(framer.push(":3}\n"));
    EXPECT_EQ(framer.next(), "{\"c\":3}");
}

TEST(QmpLineFramer, refuses_a_line_over_the_limit_and_takes_one_of_the_limit) {
    LineFramer framer(8);
    EXPECT_TRUE(framer.push("12345678"));
    EXPECT_FALSE(framer.push("9"));
    LineFramer other(8);
    EXPECT_TRUE(other.push("12345678\n1234567\n12345678"));
    EXPECT_EQ(other.next(), "12345678");
}

}  // namespace
}  // namespace stasis::codec::qmp
