// Shows long work: on a terminal one line that is redrawn and cleared, with --json a line now and then, otherwise
// nothing; and only once the work has taken longer than a second. Called by one thread at a time (stasis/progress.h).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <stasis/progress.h>

#include "cli/environment.h"
#include "cli/reporter.h"

namespace stasis::cli {

inline constexpr std::chrono::milliseconds kProgressAfter{1000};   ///< shorter work shows nothing
inline constexpr std::chrono::milliseconds kRedrawEvery{200};      ///< on a terminal
inline constexpr std::chrono::milliseconds kStatusLineEvery{1000};  ///< with --json

/// How fast one activity goes and when it will be done.
struct Pace {
    std::optional<std::uint64_t> bytes_per_second;  ///< none: too early to tell
    std::optional<std::uint64_t> seconds_left;      ///< none: total or rate not known
};
[[nodiscard]] Pace pace_of(std::uint64_t bytes, std::uint64_t bytes_left, std::chrono::milliseconds elapsed);

class ProgressView final : public ProgressSink {
public:
    ProgressView(Environment& environment, Reporter& reporter);
    ~ProgressView() override { clear(); }

    void progress(const Progress& state) override;
    void note(std::string_view text) override;
    /// Takes the line off the terminal; what is printed next begins at the margin.
    void clear();

private:
    using Time = std::chrono::steady_clock::time_point;
    struct Activity {
        std::string name;
        Time began;
        std::uint64_t began_at_bytes = 0;
    };
    const Activity& activity_of(const Progress& state, Time now);
    void draw(const Progress& state, const Pace& pace);
    void print_status(const Progress& state, const Pace& pace);

    Environment& environment_;
    Reporter& reporter_;
    Time began_;
    std::optional<Time> shown_;
    bool drawn_ = false;
    std::vector<Activity> activities_;
};

}  // namespace stasis::cli
