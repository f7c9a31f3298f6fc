#include "plan/journal_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "plan/steps_for_test.h"

namespace stasis::plan {
namespace {

using Json = nlohmann::json;

TEST(JournalText, EveryKindOfStepComesBackAsItWas) {
    const Plan plan = plan_of_every_step();
    std::set<std::size_t> kinds;
    for (const Step& step : plan.steps) kinds.insert(step.index());
    ASSERT_EQ(kinds.size(), std::variant_size_v<Step>) << "the test lacks an example";
    const auto back = from_journal_text(to_journal_text(plan));
    ASSERT_TRUE(back.has_value()) << back.error().render();
    EXPECT_EQ(*back, plan);
}

TEST(JournalText, KeepsAPathThatIsNoUtf8) {
    Plan plan{.operation = "x", .steps = {RemoveFile{std::string("/d/\xff\xfe\0z", 7)}, RemoveFile{"/d/\xc3\xa4"}}};
    const auto back = from_journal_text(to_journal_text(plan));
    ASSERT_TRUE(back.has_value()) << back.error().render();
    EXPECT_EQ(*back, plan);
}

TEST(JournalText, AnEmptyPlanComesBack) {
    const auto back = from_journal_text(to_journal_text(Plan{}));
    ASSERT_TRUE(back.has_value()) << back.error().render();
    EXPECT_EQ(*back, Plan{});
}

/// The text of the plan with one thing changed in it.
std::string changed(const std::function<void(Json&)>& change) {
    Json json = Json::parse(to_journal_text(plan_of_every_step()));
    change(json);
    return json.dump();
}

void expect_corrupt(const std::string& text) {
    const auto plan = from_journal_text(text);
    ASSERT_FALSE(plan.has_value()) << text.substr(0, 200);
    EXPECT_EQ(plan.error().kind, ErrorKind::corrupt);
}

TEST(JournalText, AnUnknownFieldIsCorrupt) {
    expect_corrupt(changed([](Json& json) { json["surprise"] = 1; }));
    for (std::size_t i = 0; i < plan_of_every_step().steps.size(); ++i)
        expect_corrupt(changed([i](Json& json) { json["steps"][i]["surprise"] = 1; }));
}

TEST(JournalText, AMissingFieldIsCorrupt) {
    const Json whole = Json::parse(to_journal_text(plan_of_every_step()));
    for (const auto& [key, value] : whole.items())
        expect_corrupt(changed([&](Json& json) { json.erase(key); }));
    for (std::size_t i = 0; i < whole["steps"].size(); ++i)
        for (const auto& [key, value] : whole["steps"][i].items())
            expect_corrupt(changed([&](Json& json) { json["steps"][i].erase(key); }));
}

TEST(JournalText, AFieldOfAnotherTypeIsCorrupt) {
    const Json whole = Json::parse(to_journal_text(plan_of_every_step()));
    const Json wrong = Json::array({Json::array({1.5})});
    for (std::size_t i = 0; i < whole["steps"].size(); ++i)
        for (const auto& [key, value] : whole["steps"][i].items())
            expect_corrupt(changed([&](Json& json) { json["steps"][i][key] = wrong; }));
}

TEST(JournalText, AnUnknownStepIsCorruptAndNamed) {
    const auto plan = from_journal_text(changed([](Json& json) { json["steps"][0]["step"] = "FormatDisk"; }));
    ASSERT_FALSE(plan.has_value());
    EXPECT_THAT(plan.error().why, ::testing::HasSubstr("step"));
}

TEST(JournalText, AnotherVersionIsCorrupt) {
    expect_corrupt(changed([](Json& json) { json["version"] = 2; }));
    expect_corrupt(changed([](Json& json) { json["version"] = "1"; }));
}

TEST(JournalText, NumbersOutOfRangeAreCorrupt) {
    expect_corrupt(R"({"version":1,"operation":"x","domain":"00000000-0000-0000-0000-000000000000","title":"",)"
                   R"("steps":[],"commit_from":-1,"space":0,"pause_us":null,"notes":[]})");
    expect_corrupt(R"({"version":1,"operation":"x","domain":"00000000-0000-0000-0000-000000000000","title":"",)"
                   R"("steps":[],"commit_from":1,"space":0,"pause_us":null,"notes":[]})");
    expect_corrupt(changed([](Json& json) { json["pause_us"] = UINT64_MAX; }));
}

TEST(JournalText, RubbishIsCorrupt) {
    for (const char* text : {"", "null", "[]", "{", "{}", "\xff\xfe", "{\"version\":1}", "[[[[[[[[[[[["}) expect_corrupt(text);
    expect_corrupt(std::string(100'000, '['));
}

TEST(JournalText, CutAnywhereIsCorrupt) {
    const std::string text = to_journal_text(plan_of_every_step());
    for (std::size_t length = 0; length < text.size(); length += 7) expect_corrupt(text.substr(0, length));
}

}  // namespace
}  // namespace stasis::plan
