// A Host for the program's own tests: answers from what the test put into it and remembers what it was asked; and a
// program run around it. Owned by the test; one thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <stasis/host.h>

#include "cli/environment.h"

namespace stasis::cli::testing {

/// What the library answers, and what it was asked. `error`, if set, is returned by every operation.
struct TestWorld {
    std::vector<DomainSummary> domains;
    DomainInfo info;
    std::string xml = "<domain/>";
    std::vector<SnapshotInfo> snapshots;
    std::optional<SnapshotInfo> current;
    std::vector<std::string> left_out;
    SnapshotCreated created;
    SnapshotReverted reverted;
    std::vector<SnapshotName> deleted;
    PlanReport plan{"test", {"first step", "second step"}, {4096}, 5000, {}};
    std::vector<Recovered> recovered;
    std::optional<Error> error;
    std::function<void(const RunMode&)> during;  ///< called within each changing operation

    std::string call;  ///< the last operation and its domain
    OpenOptions opened;
    DefineOptions define;
    DefineAsOptions define_as;
    SnapshotCreateOptions create;
    SnapshotRevertOptions revert;
    SnapshotDeleteOptions remove;
    SnapshotListOptions list;
    std::chrono::milliseconds wait{0};
    bool paused = false;
    std::string config_text;
};

class TestHost final : public Host {
public:
    explicit TestHost(TestWorld& world) : world_(world) {}

    Result<std::vector<DomainSummary>> list() override { return answer("list", "", world_.domains); }
    Result<DomainInfo> domain_info(const std::string& d) override { return answer("info", d, world_.info); }
    Result<std::string> dump_xml(const std::string& d) override { return answer("dumpxml", d, world_.xml); }
    Result<std::vector<SnapshotInfo>> snapshot_list(const std::string& d, const SnapshotListOptions& options) override {
        world_.list = options;
        return answer("snapshot_list", d, world_.snapshots);
    }
    Result<SnapshotInfo> snapshot_info(const std::string& d, const SnapshotName& name) override {
        for (const auto& snapshot : world_.snapshots)
            if (snapshot.name == name) return answer("snapshot_info", d, snapshot);
        return std::unexpected(Error{ErrorKind::not_found, "find snapshot '" + name.str() + "'", "domain '" + d + "'", "", "", {}});
    }
    Result<std::string> snapshot_dump_xml(const std::string& d, const SnapshotName& name) override {
        return answer("snapshot_dumpxml", d, "<domainsnapshot><name>" + name.str() + "</name></domainsnapshot>");
    }
    Result<std::optional<SnapshotInfo>> snapshot_current(const std::string& d) override {
        return answer("current", d, world_.current);
    }

    Result<Done<Defined>> define(const DefineOptions& options, const RunMode& mode) override {
        world_.define = options;
        return done("define", "", mode, Defined{world_.info.summary, world_.left_out});
    }
    Result<Done<Defined>> define_as(const DefineAsOptions& options, const RunMode& mode) override {
        world_.define_as = options;
        return done("define_as", options.name, mode, Defined{world_.info.summary, {}});
    }
    Result<Done<Nothing>> undefine(const std::string& d, const RunMode& mode) override { return nothing("undefine", d, mode); }
    Result<Done<DomainSummary>> start(const std::string& d, bool paused, const RunMode& mode) override {
        world_.paused = paused;
        return done("start", d, mode, world_.info.summary);
    }
    Result<Done<Nothing>> shutdown(const std::string& d, std::chrono::milliseconds wait, const RunMode& mode) override {
        world_.wait = wait;
        return nothing("shutdown", d, mode);
    }
    Result<Done<Nothing>> destroy(const std::string& d, const RunMode& mode) override { return nothing("destroy", d, mode); }
    Result<Done<Nothing>> suspend(const std::string& d, const RunMode& mode) override { return nothing("suspend", d, mode); }
    Result<Done<Nothing>> resume(const std::string& d, const RunMode& mode) override { return nothing("resume", d, mode); }
    Result<Done<SnapshotCreated>> snapshot_create(const std::string& d, const SnapshotCreateOptions& o, const RunMode& mode) override {
        world_.create = o;
        return done("create", d, mode, world_.created);
    }
    Result<Done<SnapshotReverted>> snapshot_revert(const std::string& d, const SnapshotRevertOptions& o, const RunMode& mode) override {
        world_.revert = o;
        return done("revert", d, mode, world_.reverted);
    }
    Result<Done<std::vector<SnapshotName>>> snapshot_delete(const std::string& d, const SnapshotDeleteOptions& o,
                                                            const RunMode& mode) override {
        world_.remove = o;
        return done("delete", d, mode, world_.deleted);
    }
    Result<Bytes> memory_export(const std::string& d, const SnapshotName&, int descriptor, const RunMode& mode) override;
    [[nodiscard]] std::vector<Recovered> recovered() const override { return world_.recovered; }

private:
    template <class T>
    Result<T> answer(const char* verb, const std::string& domain, T value) {
        world_.call = std::string(verb) + ' ' + domain;
        if (world_.error) return std::unexpected(*world_.error);
        return value;
    }
    template <class T>
    Result<Done<T>> done(const char* verb, const std::string& domain, const RunMode& mode, T value) {
        if (world_.during) world_.during(mode);
        Done<T> result{world_.plan, std::nullopt};
        if (!mode.explain_only) result.value = std::move(value);
        return answer(verb, domain, std::move(result));
    }
    Result<Done<Nothing>> nothing(const char* verb, const std::string& domain, const RunMode& mode) {
        return done(verb, domain, mode, Nothing{});
    }

    TestWorld& world_;
};

/// What a run of the program left behind.
struct Ran {
    int code = 0;
    std::string out;
    std::string err;
};

/// The program, in an environment that the test may change before it runs.
struct TestProgram {
    TestWorld world;
    std::map<std::string, std::string> variables{{"HOME", "/home/u"}};
    std::ostringstream out, err;
    CancelToken cancel;
    std::chrono::steady_clock::time_point now{};
    Environment environment;

    TestProgram();
    Ran run(const std::vector<std::string>& arguments);
};

}  // namespace stasis::cli::testing
