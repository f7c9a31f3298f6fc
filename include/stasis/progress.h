// How long work tells what it is doing and learns that it should stop. The sink is called from the thread that
// runs the command and from capture threads, never concurrently; the token may be set from any thread or a
// signal handler.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace stasis {

/// One state of a piece of long work.
struct Progress {
    std::string_view activity;     ///< "saving memory", "merging vda"
    std::uint64_t done_bytes = 0;
    std::uint64_t total_bytes = 0; ///< 0: not known
};

/// Receives progress and remarks.
class ProgressSink {
public:
    virtual ~ProgressSink() = default;
    virtual void progress(const Progress& state) = 0;
    /// Something the user should know though the command goes on ("fell back to a stopped save: ...").
    virtual void note(std::string_view text) = 0;
};

/// Set once, read by everything that waits. Async-signal-safe to set.
class CancelToken {
public:
    void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> cancelled_{false};
};

}  // namespace stasis
