// The program around a Host of its own: what it asks of the library, what it prints, and how it ends.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/test_host.h"

namespace stasis::cli {
namespace {

using nlohmann::json;
using testing::Ran;

class Program : public ::testing::Test {
protected:
    Ran run(const std::vector<std::string>& arguments) { return program.run(arguments); }
    testing::TestProgram program;
    testing::TestWorld& world = program.world;
};

SnapshotInfo snapshot(const char* name, const char* parent = nullptr) {
    SnapshotInfo info;
    info.name = *SnapshotName::parse(name);
    info.domain = *DomainName::parse("web");
    if (parent != nullptr) info.parent = *SnapshotName::parse(parent);
    info.state = SnapshotState::running;
    return info;
}

Error error_of(ErrorKind kind) { return {kind, "take snapshot 'a'", "domain 'web'", "the disk is full", "free some space", nullptr}; }

// ---- the line ----

TEST_F(Program, WithoutACommandPrintsTheOverviewAndExits2) {
    const Ran ran = run({});
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_NE(ran.err.find("snapshot-create"), std::string::npos);
    EXPECT_NE(ran.err.find("\nTaking snapshots:\n"), std::string::npos);
}

TEST_F(Program, HelpGoesToStandardOutput) {
    for (const auto& arguments : std::vector<std::vector<std::string>>{{"--help"}, {"-h"}, {"help"}}) {
        const Ran ran = run(arguments);
        EXPECT_EQ(ran.code, 0);
        EXPECT_EQ(ran.out, overview());
    }
}

TEST_F(Program, EveryCommandHasHelpWithAnExampleThatIsItsOwn) {
    for (const Topic& topic : all_topics()) {
        for (const Command& command : topic.commands) {
            const std::string name(command.name);
            const Ran ran = run({name, "--help"});
            EXPECT_EQ(ran.code, 0) << name;
            EXPECT_NE(ran.out.find("Usage: stasis " + name), std::string::npos) << ran.out;
            EXPECT_NE(ran.out.find("Example:\n  s"), std::string::npos) << ran.out;
            EXPECT_NE(command.example.find("stasis " + name), std::string::npos) << name;
            EXPECT_EQ(ran.out.find("--dry-run") != std::string::npos, command.changes) << name;
            EXPECT_EQ(run({"help", name}).out, ran.out);
            EXPECT_EQ(run({"--help", name}).out, ran.out);
        }
    }
}

TEST_F(Program, AnUnknownCommandNamesTheNearest) {
    const Ran ran = run({"snapshot-craete", "web"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.err,
              "stasis: error: unknown command 'snapshot-craete'; next: did you mean 'snapshot-create'? 'stasis help' lists all "
              "commands\n");
    EXPECT_EQ(run({"xyzzyxyzzy"}).err.find("did you mean"), std::string::npos);
}

TEST_F(Program, WrongLinesExit2AndTouchNothing) {
    const std::vector<std::vector<std::string>> lines{
        {"--frob"}, {"start"}, {"start", "web", "--paused=x"}, {"start", "web", "extra"}, {"start", "web", "--frob"}, {"list", "--all", "--inactive"},
        {"define-as", "web", "--vcpus", "-1"}, {"define-as", "web", "--vcpus", "0x10"}, {"shutdown", "web", "--wait", "1e3"},
        {"define-as", "web", "--memory", "512"}, {"define-as", "web", "--memory", "much"}, {"list", "--dry-run"},
        {"--lock-wait", "99999999999999999999", "list"}, {"snapshot-create", "web", "--internal", "--external"},
        {"snapshot-create", "web", "--compress", "zip"}, {"snapshot-create", "web", "-n", "a/b"},
        {"snapshot-revert", "web", "a", "--running", "--paused"}, {"snapshot-list", "web", "--descendants"},
        {"snapshot-list", "web", "--tree", "--name"}, {"snapshot-info", "web", ".."}};
    for (const auto& line : lines) {
        const Ran ran = run(line);
        EXPECT_EQ(ran.code, 2) << ::testing::PrintToString(line) << ran.err;
        EXPECT_EQ(ran.out, "");
        EXPECT_TRUE(ran.err.starts_with("stasis: error: ")) << ran.err;
        EXPECT_EQ(world.call, "");
    }
}

TEST_F(Program, AWrongLineIsReportedInJsonIfThatWasAskedFor) {
    for (const auto& line : std::vector<std::vector<std::string>>{{"start", "--json"}, {"--json", "frob"}, {"frob", "--json"}}) {
        const auto error = json::parse(run(line).err);
        EXPECT_EQ(error["message_type"], "error");
        EXPECT_EQ(error["kind"], "invalid");
        EXPECT_EQ(error["exit_code"], 2);
    }
    EXPECT_TRUE(run({"frob", "--", "--json"}).err.starts_with("stasis: error: "));
}

TEST_F(Program, CommonOptionsStandBeforeOrAfterTheCommand) {
    run({"-c", "fake:///", "--root", "state", "--lock-wait", "3", "start", "web"});
    EXPECT_EQ(world.opened.uri, "fake:///");
    EXPECT_EQ(world.opened.root, "/cwd/state");
    EXPECT_EQ(world.opened.lock_wait, std::chrono::seconds(3));
    EXPECT_EQ(world.opened.command, "start web");
    run({"start", "--connect=fake:///x", "web", "--root=/r"});
    EXPECT_EQ(world.opened.uri, "fake:///x");
    EXPECT_EQ(world.opened.root, "/r");
    EXPECT_EQ(world.opened.lock_wait, OpenOptions{}.lock_wait);
}

TEST_F(Program, ADomainMayBeCalledLikeACommand) {
    EXPECT_EQ(run({"start", "list"}).code, 0);
    EXPECT_EQ(world.call, "start list");
}

TEST_F(Program, DomainAndSnapshotMayBeNamedAsOptions) {
    world.snapshots = {snapshot("s1")};
    EXPECT_EQ(run({"snapshot-revert", "--domain", "web", "--snapshotname", "s1"}).code, 0);
    EXPECT_EQ(world.call, "revert web");
    EXPECT_EQ(world.revert.name.str(), "s1");
    EXPECT_EQ(run({"snapshot-revert", "--domain", "web", "s1"}).code, 0);
}

TEST_F(Program, UriAndRootComeFromVariablesAndThenDefaults) {
    run({"list"});
    EXPECT_EQ(world.opened.uri, "qemu:///");
    EXPECT_EQ(world.opened.root, "/home/u/.local/state/stasis");
    program.variables["XDG_STATE_HOME"] = "relative";
    run({"list"});
    EXPECT_EQ(world.opened.root, "/home/u/.local/state/stasis");
    program.variables["XDG_STATE_HOME"] = "/xdg";
    run({"list"});
    EXPECT_EQ(world.opened.root, "/xdg/stasis");
    program.environment.is_root = true;
    run({"list"});
    EXPECT_EQ(world.opened.root, "/var/lib/stasis");
    program.variables["STASIS_ROOT"] = "r";
    program.variables["STASIS_URI"] = "fake:///";
    run({"list"});
    EXPECT_EQ(world.opened.root, "/cwd/r");
    EXPECT_EQ(world.opened.uri, "fake:///");
}

// ---- errors, notes, cancelling ----

TEST_F(Program, EveryErrorKindHasItsCode) {
    const std::vector<std::pair<ErrorKind, int>> codes{
        {ErrorKind::failed, 1},      {ErrorKind::invalid, 2}, {ErrorKind::not_found, 3}, {ErrorKind::exists, 4},
        {ErrorKind::busy, 5},        {ErrorKind::unsupported, 6}, {ErrorKind::denied, 7}, {ErrorKind::corrupt, 8},
        {ErrorKind::no_space, 9},    {ErrorKind::interrupted, 130}};
    for (const auto& [kind, code] : codes) {
        world.error = error_of(kind);
        EXPECT_EQ(run({"destroy", "web"}).code, code);
        EXPECT_EQ(run({"dominfo", "web"}).code, code);
        EXPECT_EQ(json::parse(run({"destroy", "web", "--json"}).err)["exit_code"], code);
    }
}

TEST_F(Program, AnErrorIsRenderedOnStandardErrorAndInJsonInParts) {
    world.error = error_of(ErrorKind::no_space);
    world.error->cause = std::make_shared<Error>(Error{ErrorKind::failed, "write", "/x", "No space left on device", "", nullptr});
    const Ran ran = run({"destroy", "web"});
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err, "stasis: error: " + world.error->render() + "\n");
    EXPECT_NE(run({"destroy", "web", "--verbose"}).err.find("stasis: because: cannot write /x: No space left on device\n"),
              std::string::npos);
    const auto error = json::parse(run({"destroy", "web", "--json"}).err);
    EXPECT_EQ(error["attempted"], "take snapshot 'a'");
    EXPECT_EQ(error["subject"], "domain 'web'");
    EXPECT_EQ(error["why"], "the disk is full");
    EXPECT_EQ(error["next"], "free some space");
    ASSERT_EQ(error["causes"].size(), 1U);
    EXPECT_EQ(error["causes"][0]["subject"], "/x");
}

TEST_F(Program, WhatWasRecoveredIsToldFirst) {
    world.recovered = {{"snapshot-create", "undone", "domain 'web'"}};
    const Ran ran = run({"destroy", "web"});
    EXPECT_EQ(ran.err, "stasis: note: an interrupted snapshot-create was undone: domain 'web'\n");
    EXPECT_EQ(ran.out, "Domain 'web' destroyed\n");
    const Ran lines = run({"destroy", "web", "--json"});
    EXPECT_EQ(json::parse(lines.out.substr(0, lines.out.find('\n')))["recovered"]["outcome"], "undone");
    // A reading command's standard output is one document, so the note goes elsewhere.
    const Ran document = run({"dominfo", "web", "--json"});
    EXPECT_EQ(json::parse(document.out)["name"], "web");
    EXPECT_EQ(json::parse(document.err)["message_type"], "note");
    world.error = error_of(ErrorKind::busy);
    EXPECT_TRUE(run({"destroy", "web"}).err.starts_with("stasis: note: an interrupted"));
}

TEST_F(Program, NotesAreMadeOnceAndNotWhenQuiet) {
    world.plan.notes = {"fell back"};
    world.during = [](const RunMode& mode) { mode.progress->note("fell back"); };
    EXPECT_EQ(run({"destroy", "web"}).err, "stasis: note: fell back\n");
    const Ran quiet = run({"destroy", "web", "-q"});
    EXPECT_EQ(quiet.err + quiet.out, "");
}

TEST_F(Program, TheTokenReachesTheLibrary) {
    world.during = [&](const RunMode& mode) {
        program.cancel.cancel();
        if (mode.cancel->cancelled()) world.error = error_of(ErrorKind::interrupted);
    };
    EXPECT_EQ(run({"snapshot-create", "web"}).code, 130);
}

TEST_F(Program, AFullDiskBehindStandardOutputIsAnError) {
    std::ofstream full("/dev/full");
    testing::TestProgram other;
    Environment environment{.out = full, .err = other.err, .folder = "/cwd", .variable = other.environment.variable,
                            .now = other.environment.now, .cancel = other.cancel, .library = other.environment.library};
    EXPECT_EQ(cli::run({"list"}, environment), 1);
    EXPECT_NE(other.err.str().find("standard output"), std::string::npos);
}

// ---- dry run ----

TEST_F(Program, DryRunPrintsThePlanAndAsksForNoEffect) {
    bool explained = false;
    world.during = [&](const RunMode& mode) { explained = mode.explain_only; };
    world.plan.notes = {"a note"};
    const Ran ran = run({"snapshot-create", "web", "--dry-run"});
    EXPECT_TRUE(explained);
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.err, "");
    EXPECT_EQ(ran.out,
              "test would:\n"
              "  1. first step\n"
              "  2. second step\n"
              "Space:          at most 4 KiB\n"
              "Expected pause: 5.0 ms\n"
              "Note:           a note\n");
    const auto summary = json::parse(run({"snapshot-create", "web", "--dry-run", "--json"}).out);
    EXPECT_EQ(summary["dry_run"], true);
    EXPECT_EQ(summary["plan"]["space_bytes"], 4096);
    EXPECT_EQ(summary["plan"]["pause_us"], 5000);
    EXPECT_EQ(summary["plan"]["steps"].size(), 2U);
    EXPECT_FALSE(summary.contains("name"));
}

TEST_F(Program, VerboseTellsTheSteps) {
    EXPECT_EQ(run({"destroy", "web", "--verbose"}).err, "stasis: step 1: first step\nstasis: step 2: second step\n");
}

}  // namespace
}  // namespace stasis::cli
