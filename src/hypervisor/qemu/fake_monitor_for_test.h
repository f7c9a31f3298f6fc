// A QEMU that exists only as far as its monitor shows: run state, block nodes, jobs, a migration. For unit tests of
// sessions and captures, which make it fail at any command. Not thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "codec/qmp/json.h"
#include "seam/channel.h"
#include "seam/testing/manual_clock.h"

namespace stasis::hypervisor::qemu {

class FakeQemu {
public:
    using Json = codec::qmp::Json;
    explicit FakeQemu(seam::ManualClock& manual) : clock(manual) {}

    seam::ManualClock& clock;
    std::string version = R"({"major": 7, "minor": 2, "micro": 22})";
    std::string run_state = "running";
    std::map<std::string, std::string> active;     ///< target -> node; "vda" -> "vda-1"
    std::map<std::string, std::string> refuse;     ///< command -> what it answers as its error
    std::string die_at;                            ///< the connection ends when this command comes
    bool arming_fails = false;
    bool runs_though_arming_fails = false;         ///< as 7.2 does
    bool stuck = false;                            ///< a plain migration stays active until it is cancelled
    std::string stream_begins;                     ///< what a migration writes before anything else
    std::uint64_t rounds = 1;                      ///< over memory, so far
    std::map<std::string, std::string> open_files; ///< file node -> path; "vda-10-f" -> "/img/vda-10"
    std::function<void(const std::string&)> on_command;  ///< told of every command, queries too, before it is done
    bool images_inactive = false;
    bool latch_closed = false;
    std::string migration = "none";
    std::vector<std::string> commands;             ///< in order, queries left out
    std::vector<std::string> internal_snapshots;   ///< "vdb-2/name"
    int parked_times = 0;

    std::unique_ptr<seam::Channel> connect();
    [[nodiscard]] bool dead() const { return dead_; }

private:
    friend class FakeQemuChannel;
    void take(std::string_view data, std::span<const int> descriptors);
    void answer(const std::string& line);
    Json run(const std::string& name, const Json& arguments, std::string& error);
    void event(const std::string& name, Json data = nullptr);
    Json transaction(const Json& arguments);
    Json jobs(const std::string& name, const Json& arguments);
    Json run_vcpus(const std::string& name, std::string& error);
    Json migrate();
    bool has(const char* capability) const { return capabilities_.contains(capability); }

    std::string incoming_, outgoing_;
    std::set<std::string> capabilities_;
    std::map<std::string, std::pair<std::string, Json>> jobs_;   ///< id -> state, arguments of block-commit
    UniqueFd stream_;
    std::uint64_t transferred_ = 0;
    bool dead_ = false;
};

class FakeQemuChannel final : public seam::Channel {
public:
    explicit FakeQemuChannel(FakeQemu& qemu) : qemu_(qemu) {}
    Result<void> send(std::string_view data, std::span<const int> descriptors) override {
        if (qemu_.dead_) return fail(ErrorKind::failed, "send", "monitor", "connection closed");
        qemu_.take(data, descriptors);
        return {};
    }
    Result<std::string> receive(std::chrono::milliseconds wait) override {
        if (qemu_.outgoing_.empty()) {
            if (qemu_.dead_) return fail(ErrorKind::failed, "receive", "monitor", "connection closed");
            qemu_.clock.advance(wait);
        }
        return std::exchange(qemu_.outgoing_, {});
    }
    int poll_descriptor() const override { return -1; }

private:
    FakeQemu& qemu_;
};

}  // namespace stasis::hypervisor::qemu
