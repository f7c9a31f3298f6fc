// The body of the fake monitor, and the tests of the session that talks to it.
#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "hypervisor/qemu/fake_monitor_for_test.h"
#include "hypervisor/qemu/qmp_session.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::list_of;
using codec::qmp::text_of;

std::unique_ptr<seam::Channel> FakeQemu::connect() {
    outgoing_ = R"({"QMP": {"version": {"qemu": )" + version + R"(}, "capabilities": ["oob"]}})" "\r\n";
    return std::make_unique<FakeQemuChannel>(*this);
}

void FakeQemu::take(std::string_view data, std::span<const int> descriptors) {
    for (const int descriptor : descriptors) stream_.reset(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
    incoming_ += data;
    for (auto end = incoming_.find('\n'); end != std::string::npos && !dead_; end = incoming_.find('\n')) {
        const std::string line = incoming_.substr(0, end);
        incoming_.erase(0, end + 1);
        answer(line);
    }
}

void FakeQemu::answer(const std::string& line) {
    const auto document = codec::qmp::parse_json(line);
    const std::string name = text_of(*document, "execute");
    if (name == die_at) {
        dead_ = true;
        stream_.reset();
        return;
    }
    clock.advance(std::chrono::microseconds(100));
    if (!name.starts_with("query-") && name != "qmp_capabilities") commands.push_back(name);
    if (on_command) on_command(name);
    const Json* arguments = codec::qmp::member(*document, "arguments");
    std::string error;
    Json reply = {{"id", (*document)["id"]}};
    if (const auto refused = refuse.find(name); refused != refuse.end()) error = refused->second;
    Json result = error.empty() ? run(name, arguments != nullptr ? *arguments : Json::object(), error) : Json();
    if (error.empty()) {
        reply["return"] = std::move(result);
    } else {
        reply["error"] = {{"class", error == "unknown" ? "CommandNotFound" : "GenericError"}, {"desc", error}};
    }
    outgoing_ += codec::qmp::to_text(reply) + "\r\n";
}

void FakeQemu::event(const std::string& name, Json data) {
    Json message = {{"event", name},
                    {"timestamp", {{"seconds", clock.now().value / 1'000'000}, {"microseconds", clock.now().value % 1'000'000}}}};
    if (!data.is_null()) message["data"] = std::move(data);
    outgoing_ += codec::qmp::to_text(message) + "\r\n";
}

FakeQemu::Json FakeQemu::run_vcpus(const std::string& name, std::string& error) {
    if (name == "stop") {
        if (run_state == "running") {
            run_state = "paused";
            event("STOP");
        }
        return Json::object();
    }
    const bool was_inactive = std::exchange(images_inactive, false);
    if (was_inactive && latch_closed) {
        error = "Could not reopen qcow2 layer: Image is not in qcow2 format";
        return {};
    }
    if (run_state != "running") event("RESUME");
    run_state = "running";
    return Json::object();
}

FakeQemu::Json FakeQemu::transaction(const Json& arguments) {
    for (const Json& action : list_of(arguments, "actions")) {
        const Json& data = action["data"];
        if (text_of(action, "type") == "blockdev-snapshot") {
            const std::string overlay = text_of(data, "overlay");
            active[overlay.substr(0, overlay.find('-'))] = overlay;
        } else {
            internal_snapshots.push_back(text_of(data, "device") + "/" + text_of(data, "name"));
        }
    }
    return Json::object();
}

FakeQemu::Json FakeQemu::jobs(const std::string& name, const Json& arguments) {
    if (name == "query-jobs") {
        Json list = Json::array();
        for (const auto& [id, job] : jobs_) list.push_back({{"id", id}, {"status", job.first}});
        return list;
    }
    if (name == "block-commit") {
        jobs_[text_of(arguments, "job-id")] = {"ready", arguments};
    } else if (name == "job-dismiss") {
        jobs_.erase(text_of(arguments, "id"));
    } else {
        auto& job = jobs_[text_of(arguments, "id")];
        const std::string base = text_of(job.second, "base-node");
        if (name == "job-complete") active[base.substr(0, base.find('-'))] = base;
        job.first = "concluded";
    }
    return Json::object();
}

FakeQemu::Json FakeQemu::migrate() {
    (void)!::write(stream_.get(), stream_begins.data(), stream_begins.size());
    if (stuck) {
        migration = "active";
        return Json::object();
    }
    if (has("background-snapshot")) {
        migration = arming_fails ? "failed" : "completed";
        if (arming_fails) event("MIGRATION", {{"status", "failed"}});
        clock.advance(std::chrono::microseconds(2'000));
        if ((!arming_fails || runs_though_arming_fails) && version.find("\"major\": 7") != std::string::npos) {
            run_state = "running";
            event("RESUME");
        }
    } else if (has("pause-before-switchover")) {
        migration = "pre-switchover";
        run_state = "finish-migrate";
        event("STOP");
        event("MIGRATION", {{"status", "pre-switchover"}});
        return Json::object();
    } else {
        migration = "completed";
        run_state = "postmigrate";
        images_inactive = true;
    }
    // The stream stays open: it holds no memory, and one that ends like that is an error to who reads it.
    return Json::object();
}

FakeQemu::Json FakeQemu::run(const std::string& name, const Json& arguments, std::string& error) {
    if (name == "query-status") return {{"status", run_state}};
    if (name == "stop" || name == "cont") return run_vcpus(name, error);
    if (name == "transaction") return transaction(arguments);
    if (name.find("job") != std::string::npos || name == "block-commit") return jobs(name, arguments);
    if (name == "query-block") {
        Json devices = Json::array();
        for (const auto& [target, node] : active)
            devices.push_back({{"qdev", "/machine/peripheral/disk-" + target}, {"inserted", {{"node-name", node}}}});
        return devices;
    }
    if (name == "query-migrate")
        return {{"status", migration}, {"ram", {{"transferred", ++transferred_}, {"total", 1000}, {"dirty-sync-count", rounds}}}};
    if (name == "query-migrate-capabilities")
        return Json::array({{{"capability", "background-snapshot"}, {"state", has("background-snapshot")}}});
    if (name == "query-named-block-nodes") {
        Json nodes = Json::array();
        for (const auto& [node, path] : open_files) nodes.push_back({{"node-name", node}, {"file", path}});
        return nodes;
    }
    if (name == "migrate") return migrate();
    if (name == "migrate-continue") {
        migration = "completed";
        run_state = "postmigrate";
        images_inactive = true;
    } else if (name == "migrate_cancel") {
        if (run_state == "finish-migrate") run_state = "running";
        migration = "cancelled";
        stream_.reset();
    } else if (name == "migrate-set-capabilities") {
        for (const Json& entry : list_of(arguments, "capabilities")) {
            if (codec::qmp::flag_of(entry, "state")) capabilities_.insert(text_of(entry, "capability"));
            else capabilities_.erase(text_of(entry, "capability"));
        }
    } else if (name == "xen-save-devices-state") {
        ++parked_times;
        images_inactive = true;
    } else if (name == "blockdev-set-active") {
        if (version.find("\"major\": 10") == std::string::npos) error = "unknown";
        images_inactive = !codec::qmp::flag_of(arguments, "active");
    } else if (name == "blockdev-add" && text_of(arguments, "node-name") == "stasis-latch") {
        latch_closed = true;
    } else if (name == "blockdev-del" && open_files.erase(text_of(arguments, "node-name")) > 0) {
        return Json::object();
    } else if (name == "blockdev-del" && text_of(arguments, "node-name") == "stasis-latch") {
        latch_closed = false;
    } else if (name == "blockdev-snapshot-delete-internal-sync") {
        std::erase(internal_snapshots, text_of(arguments, "device") + "/" + text_of(arguments, "name"));
    }
    return name.starts_with("query-") ? Json::array() : Json::object();
}

namespace {

class QmpSessionTest : public testing::Test {
protected:
    seam::ManualClock clock_;
    FakeQemu qemu_{clock_};
    Result<std::unique_ptr<QmpSession>> open() {
        return QmpSession::open(qemu_.connect(), clock_, {.subject = "guest", .log_tail = [] { return std::string("qemu: boom"); }});
    }
};

TEST_F(QmpSessionTest, learns_the_version_and_runs_commands) {
    const auto session = open();
    ASSERT_TRUE(session) << session.error().render();
    EXPECT_EQ((*session)->version().str(), "7.2.22");
    const auto status = (*session)->execute("query-status");
    ASSERT_TRUE(status);
    EXPECT_EQ(text_of(*status, "status"), "running");
}

TEST_F(QmpSessionTest, a_refusal_carries_qemus_words_and_a_kind) {
    qemu_.refuse["stop"] = "No space left on device";
    const auto session = open();
    const auto refused = (*session)->execute("stop");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::no_space);
    EXPECT_EQ(refused.error().why, "No space left on device");
    EXPECT_FALSE((*session)->dead());
}

TEST_F(QmpSessionTest, a_lock_is_busy_but_a_block_is_not) {
    qemu_.refuse["cont"] = "Failed to get \"write\" lock";
    qemu_.refuse["stop"] = "a block device is amiss";
    const auto session = open();
    EXPECT_EQ((*session)->execute("cont").error().kind, ErrorKind::busy);
    EXPECT_EQ((*session)->execute("stop").error().kind, ErrorKind::failed);
}

TEST_F(QmpSessionTest, death_of_qemu_quotes_its_log_and_is_final) {
    qemu_.die_at = "stop";
    const auto session = open();
    const auto lost = (*session)->execute("stop");
    ASSERT_FALSE(lost);
    EXPECT_NE(lost.error().why.find("qemu: boom"), std::string::npos);
    EXPECT_TRUE((*session)->dead());
    EXPECT_FALSE((*session)->execute("query-status"));
}

TEST_F(QmpSessionTest, a_silent_monitor_is_busy_within_the_limit) {
    class Silent final : public seam::Channel {
    public:
        explicit Silent(seam::ManualClock& clock) : clock_(clock) {}
        Result<void> send(std::string_view, std::span<const int>) override { return {}; }
        Result<std::string> receive(std::chrono::milliseconds wait) override {
            clock_.advance(wait);
            return std::string();
        }
        int poll_descriptor() const override { return -1; }

    private:
        seam::ManualClock& clock_;
    };
    const auto session = QmpSession::open(std::make_unique<Silent>(clock_), clock_, {.greeting_wait = Millis(700)});
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().kind, ErrorKind::busy);
    EXPECT_EQ(clock_.steady(), std::chrono::milliseconds(700));
}

TEST_F(QmpSessionTest, events_wait_until_they_are_asked_for_and_keep_their_time) {
    const auto session = open();
    ASSERT_TRUE((*session)->execute("stop"));
    const std::int64_t stopped = clock_.now().value;
    clock_.advance(std::chrono::seconds(5));
    const auto event = (*session)->wait_event([](const Event& e) { return e.name == "STOP"; }, Millis(0));
    ASSERT_TRUE(event && *event);
    EXPECT_EQ((*event)->timestamp_us, stopped);
}

TEST_F(QmpSessionTest, waiting_for_an_event_ends_at_the_limit_or_when_cancelled) {
    const auto session = open();
    const auto start = clock_.steady();
    const auto none = (*session)->wait_event([](const Event&) { return true; }, Millis(1'000));
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
    EXPECT_EQ(clock_.steady() - start, std::chrono::milliseconds(1'000));
    CancelToken cancel;
    cancel.cancel();
    const auto cancelled = (*session)->wait_event([](const Event&) { return true; }, Millis(1'000), &cancel);
    ASSERT_FALSE(cancelled);
    EXPECT_EQ(cancelled.error().kind, ErrorKind::interrupted);
}

}  // namespace
}  // namespace stasis::hypervisor::qemu
