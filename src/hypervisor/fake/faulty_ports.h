// Ports that fail or die at a chosen call, around any other ports, so that the engine's undo and recovery can be tested at
// every point. A FaultGate counts the calls and may be shared with other wrappers (a faulty catalog). One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "port/ports.h"

namespace stasis::fake {

/// What happens at the call that was chosen.
enum class Fault {
    fail,        ///< the call does nothing and returns the error
    die_before,  ///< the process dies: this call and all later ones do nothing and return an error
    die_after,   ///< the same, but this call still takes effect
};

class FaultGate {
public:
    /// Arms the gate for the call number `at` (the first is 1), counted from now; 0: none.
    void arm(std::uint64_t at, Fault fault, Error error = {.kind = ErrorKind::failed, .why = "a fault was injected"});
    /// Dead gates do nothing any more until they are armed again.
    [[nodiscard]] bool dead() const { return dead_; }
    [[nodiscard]] bool struck() const { return struck_; }
    [[nodiscard]] std::uint64_t calls() const { return names_.size(); }
    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }  ///< "launch", "capture", ...
    /// Called once when the gate dies, after a die_after call took effect. A test may throw from it.
    std::function<void()> on_death;

    /// Runs `body`, a call that returns a Result, unless the gate says otherwise.
    template <class Body>
    auto pass(std::string_view name, Body&& body) -> decltype(body()) {
        if (dead_) return std::unexpected(killed());
        names_.emplace_back(name);
        if (at_ == 0 || names_.size() != at_) return body();
        struck_ = true;
        if (fault_ == Fault::fail) return std::unexpected(error_);
        if (fault_ == Fault::die_after) keep(body());
        die();
        return std::unexpected(killed());
    }
    /// The error of every call on a dead gate: kind interrupted, why "killed".
    [[nodiscard]] static Error killed();
    [[nodiscard]] static bool is_killed(const Error& error);
    /// Takes a session whose owner died: it is neither finished nor cancelled while the gate lives.
    void bury(std::unique_ptr<port::CaptureSession> session);

private:
    void die();
    template <class T>
    void keep(T&&) {}
    void keep(Result<std::unique_ptr<port::CaptureSession>>&& result) {
        if (result) bury(std::move(*result));
    }

    std::uint64_t at_ = 0;
    Fault fault_ = Fault::fail;
    Error error_;
    bool dead_ = false;
    bool struck_ = false;
    std::vector<std::string> names_;
    std::vector<std::unique_ptr<port::CaptureSession>> buried_;
};

/// Wraps `inner`. Reading calls pass the gate too. Declare the driver first, then the gate, then this: what `inner` refers
/// to must outlive the gate (it holds buried sessions), and the gate must outlive this.
class FaultyPorts {
public:
    FaultyPorts(port::Ports inner, FaultGate& gate);
    ~FaultyPorts();
    FaultyPorts(const FaultyPorts&) = delete;
    FaultyPorts& operator=(const FaultyPorts&) = delete;
    [[nodiscard]] port::Ports ports();

private:
    struct Bodies;
    std::unique_ptr<Bodies> bodies_;
};

}  // namespace stasis::fake
