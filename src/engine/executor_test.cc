#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_plans.h"

namespace stasis::engine::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<Outcome> run(TestHost& host, const plan::Plan& plan, const RunMode& mode = {}) {
    return make_executor(host.parts())->run(plan, mode);
}

std::string after_of(const Scenario& scenario) {
    const auto host = scenario.host();
    const auto done = run(*host, scenario.plan);
    EXPECT_TRUE(done.has_value()) << scenario.name << ": " << done.error().render();
    EXPECT_EQ(host->lost_writes(), "") << scenario.name;
    EXPECT_TRUE(host->real_catalog().open_operations(std::nullopt)->empty());
    return host->structure(true);
}

TEST(Executor, WritesEveryIntentBeforeItsEffect) {
    const auto host = scenario("stopped").host();
    ASSERT_TRUE(run(*host, scenario("stopped").plan).has_value());
    EXPECT_THAT(host->log, ElementsAre("begin", "mark 0?", "make_folder", "mark 0! 1?", "create_internal", "mark 1! 2?",
                                       "create_internal", "mark 2! 3?", "put_snapshot", "end finished"));
}

TEST(Executor, RecordsWhatTheCaptureMeasured) {
    const auto host = scenario("create").host();
    const auto outcome = run(*host, scenario("create").plan);
    ASSERT_TRUE(outcome.has_value()) << outcome.error().render();
    EXPECT_EQ(outcome->capture->pause_us, 1234);
    const auto tree = *host->real_catalog().snapshots(web());
    const model::Snapshot* snapshot = tree.find(*SnapshotName::parse("a"));
    ASSERT_NE(snapshot, nullptr);
    EXPECT_EQ(snapshot->pause_us, 1234);
    EXPECT_EQ(snapshot->memory.file_bytes, 77u);
    EXPECT_EQ(snapshot->memory.guest_bytes, 88u);
    EXPECT_EQ(snapshot->memory.method, MemoryMethod::background);
    const auto record = *host->real_catalog().domain("web");
    EXPECT_TRUE(record.images.find({1})->frozen.has_value());
    EXPECT_FALSE(record.images.find({4})->frozen.has_value());
    EXPECT_EQ(record.current_snapshot, SnapshotName::parse("a").value());
}

TEST(Executor, TakesMemoryAndDisksOfOneInstant) {
    const auto host = scenario("revert").host();
    const int instant = std::stoi(host->files.at("/s/a/a.save"));
    EXPECT_EQ(host->read("/d/vda", 0), instant);
    EXPECT_EQ(host->read("/d/vdb", 0), instant);
    EXPECT_EQ(host->images.at("/d/vdc").internals.at("a").at(0), instant);
    EXPECT_GT(host->guests.at(1).memory, instant);
    ASSERT_TRUE(run(*host, scenario("revert").plan).has_value());
    EXPECT_EQ(host->guests.at(2).state, DomainState::running);
    EXPECT_EQ(host->guests.at(1).state, DomainState::shut_off);
    EXPECT_EQ(host->lost_writes(), "");
}

TEST(Executor, EveryScenarioRunsAndChangesSomething) {
    for (const Scenario& each : scenarios()) {
        const auto host = each.host();
        const std::string before = host->structure(true);
        const std::string after = after_of(each);
        if (each.name != "shutdown") {
            EXPECT_NE(after, before) << each.name;
        }
    }
}

/// Whatever fails, once: all is as before, or the journal is open and recovery leads to the end.
void expect_settled(const Scenario& each, TestHost& host, const std::string& before, const std::string& after,
                    const std::string& what) {
    host.revive();
    const bool open = !host.real_catalog().open_operations(std::nullopt)->empty();
    if (open) {
        host.guests_work();
        const auto settled = recover(host.parts(), web(), {});
        ASSERT_TRUE(settled.has_value()) << what << settled.error().render();
    }
    const std::string now = host.structure(true);
    EXPECT_TRUE(now == before || (open && now == after)) << each.name << what << "\n" << now << "\nbefore\n" << before;
    EXPECT_EQ(host.lost_writes(), "") << each.name << what;
}

TEST(Executor, AFailureOfAnyEffectIsUndoneOrFinishedLater) {
    for (const Scenario& each : scenarios()) {
        const std::string before = each.host()->structure(true);
        const std::string after = after_of(each);
        for (const bool late : {false, true}) {
            for (int at = 1;; ++at) {
                const auto host = each.host();
                host->fail_at = at;
                host->fail_late = late;
                const auto done = run(*host, each.plan);
                if (done) break;
                EXPECT_EQ(done.error().kind, ErrorKind::no_space);
                EXPECT_EQ(done.error().attempted, each.plan.title);
                const bool open = !host->real_catalog().open_operations(std::nullopt)->empty();
                EXPECT_EQ(open, done.error().next.find("finishes it") != std::string::npos) << done.error().render();
                expect_settled(each, *host, before, after, " effect " + std::to_string(at) + (late ? " late" : ""));
            }
        }
    }
}

TEST(Executor, WhenUndoingFailsTooTheJournalStaysOpenAndSaysSo) {
    for (const Scenario& each : scenarios()) {
        const std::string before = each.host()->structure(true);
        const std::string after = after_of(each);
        for (int at = 1;; ++at) {
            const auto host = each.host();
            host->fail_at = at;
            host->fail_on = true;
            const auto done = run(*host, each.plan);
            if (done) break;
            if (!host->real_catalog().open_operations(std::nullopt)->empty()) {
                EXPECT_THAT(done.error().next, HasSubstr("the next command on this domain"));
            }
            expect_settled(each, *host, before, after, " all effects from " + std::to_string(at));
        }
    }
}

TEST(Executor, AFailureOfAnyWriteToTheCatalogIsUndoneOrFinishedLater) {
    for (const Scenario& each : scenarios()) {
        const std::string before = each.host()->structure(true);
        const std::string after = after_of(each);
        for (int at = 1; at < 100; ++at) {
            const auto host = each.host();
            host->fail_catalog_at = at;
            // The writes of undoing are counted on: the plan may have succeeded at last only when none was left to fail.
            const auto done = run(*host, each.plan);
            if (done) break;
            if (each.plan.steps.size() > 1 && host->log.back() == "end finished") {
                EXPECT_THAT(done.error().next, HasSubstr("closes its journal entry"));
            }
            expect_settled(each, *host, before, after, " catalog write " + std::to_string(at));
        }
    }
}

TEST(Executor, CancelledBeforeTheCommitPointUndoes) {
    const auto host = scenario("create").host();
    const std::string before = host->structure(true);
    CancelToken cancel;
    cancel.cancel();
    RunMode mode;
    mode.cancel = &cancel;
    const auto done = run(*host, scenario("create").plan, mode);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().kind, ErrorKind::interrupted);
    EXPECT_EQ(host->structure(true), before);
    EXPECT_TRUE(host->real_catalog().open_operations(std::nullopt)->empty());
}

TEST(Executor, NeverTouchesAFileThatWasThereBefore) {
    const auto host = scenario("create").host();
    host->images["/s/a/vdb_a"].blocks[5] = 5;
    host->folders.insert("/s/a");
    const std::string before = host->structure(true);
    const auto done = run(*host, scenario("create").plan);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().kind, ErrorKind::exists);
    EXPECT_EQ(host->structure(true), before);
    EXPECT_EQ(host->images.at("/s/a/vdb_a").blocks.at(5), 5);
}

TEST(Executor, NeverTouchesTheUnfinishedMemoryImageOfSomebodyElse) {
    const auto host = scenario("create").host();
    host->files["/s/a/a.save.part"] = "theirs";
    const auto done = run(*host, scenario("create").plan);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().kind, ErrorKind::exists);
    EXPECT_EQ(host->files.at("/s/a/a.save.part"), "theirs");
}

/// The instant is taken, memory fails, and then so does undoing the instant.
TEST(Executor, AFoldThatFailsLeavesTheGuestRunning) {
    const auto host = scenario("create").host();
    const std::string before = host->structure(true);
    host->fail_names = {"finish", "merge_online"};
    ASSERT_FALSE(run(*host, scenario("create").plan).has_value());
    EXPECT_EQ(host->guests.at(1).state, DomainState::running);
    EXPECT_TRUE(host->images.contains("/s/a/vda_a")) << "it writes there";
    expect_settled(scenario("create"), *host, before, {}, " when the folds succeed");
}

TEST(Executor, TheGuestIsNeverPausedToUndoAnInstant) {
    const auto host = scenario("create").host();
    host->fail_names = {"finish"};
    ASSERT_FALSE(run(*host, scenario("create").plan).has_value());
    EXPECT_THAT(host->log, ::testing::Contains("merge_online"));
    EXPECT_THAT(host->log, ::testing::Not(::testing::Contains("pause")));
    EXPECT_EQ(host->guests.at(1).state, DomainState::running);
}

/// Were the guest let go, a crash would find a stale overlay that looks full of news.
TEST(Executor, AnOverlayThatCannotGoKeepsTheGuestFromWritingToTheBase) {
    const auto host = scenario("create").host();
    const std::string before = host->structure(true);
    host->fail_names = {"finish", "remove /s/a/vda_a"};
    ASSERT_FALSE(run(*host, scenario("create").plan).has_value());
    EXPECT_EQ(host->guests.at(1).disks.at(*DiskTarget::parse("vda")).path, "/d/vda");
    EXPECT_EQ(host->guests.at(1).state, DomainState::paused);
    expect_settled(scenario("create"), *host, before, {}, " when the overlay goes");
}

TEST(Executor, KeepsAnInternalSnapshotOfTheSameNameThatSomebodyElseMade) {
    const auto host = scenario("stopped").host();
    host->images.at("/d/vdc").internals["b"] = {{9, 9}};
    const auto done = run(*host, scenario("stopped").plan);
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().kind, ErrorKind::exists);
    EXPECT_EQ(host->images.at("/d/vdc").internals.at("b").at(9), 9);
    EXPECT_FALSE(host->images.at("/d/vdb").internals.contains("b"));
}

TEST(Executor, RefusesAPlanThatCouldNotBeUndone) {
    const auto host = running_host();
    plan::Plan plan{.operation = "x", .domain = web(), .title = "x"};
    plan.steps = {plan::RemoveFile{"/d/rubbish"}, plan::MakeFolder{"/q"}};
    plan.commit_from = 1;
    EXPECT_FALSE(run(*host, plan).has_value());
    EXPECT_TRUE(host->files.contains("/d/rubbish"));
}

TEST(Explainer, AppliesAndJournalsNothing) {
    const auto host = running_host();
    const std::string before = host->structure(true);
    EXPECT_TRUE(make_explainer()->run(scenario("create").plan, {}).has_value());
    EXPECT_EQ(host->structure(true), before);
    EXPECT_TRUE(host->log.empty());
}

}  // namespace
}  // namespace stasis::engine::testing
