#include "cli/progress.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "cli/printable.h"

namespace stasis::cli {

namespace {

constexpr std::size_t kActivitiesMax = 64;  // a rate is worth remembering for so many at once
constexpr const char* kClearLine = "\r\x1b[K";

std::uint64_t bytes_left(const Progress& state) {
    return state.total_bytes > state.done_bytes ? state.total_bytes - state.done_bytes : 0;
}

// Cut at a code point, one column short of the edge, so that no terminal wraps the line.
std::string fitted(const std::string& line, std::size_t columns) {
    std::size_t taken = 0;
    std::size_t end = 0;
    while (end < line.size()) {
        const bool begins = (static_cast<unsigned char>(line[end]) & 0xc0U) != 0x80;
        if (begins && ++taken >= columns) break;
        ++end;
    }
    return line.substr(0, end);
}

std::string describe(const Progress& state, const Pace& pace) {
    std::string line = fmt::format("{}: {}", printable(state.activity), format_bytes({state.done_bytes}));
    if (state.total_bytes > 0) {
        const double share = std::min(1.0, static_cast<double>(state.done_bytes) / static_cast<double>(state.total_bytes));
        line += fmt::format(" of {} ({:.0f} %)", format_bytes({state.total_bytes}), share * 100);
    }
    if (pace.bytes_per_second) line += fmt::format(", {}/s", format_bytes({*pace.bytes_per_second}));
    if (pace.seconds_left) line += fmt::format(", {} s left", *pace.seconds_left);
    return line;
}

}  // namespace

Pace pace_of(std::uint64_t bytes, std::uint64_t bytes_left, std::chrono::milliseconds elapsed) {
    if (elapsed.count() <= 0 || bytes == 0) return {};
    const double rate = static_cast<double>(bytes) * 1000.0 / static_cast<double>(elapsed.count());
    Pace pace{static_cast<std::uint64_t>(rate), std::nullopt};
    // Rounded up: "0 s left" while there is work left would be a lie. Beyond a month it is no estimate.
    const double left = static_cast<double>(bytes_left) / rate;
    if (bytes_left > 0 && left < 30.0 * 86'400) pace.seconds_left = static_cast<std::uint64_t>(left) + 1;
    return pace;
}

ProgressView::ProgressView(Environment& environment, Reporter& reporter)
    : environment_(environment), reporter_(reporter), began_(environment.now()) {}

const ProgressView::Activity& ProgressView::activity_of(const Progress& state, Time now) {
    const auto known = std::ranges::find(activities_, state.activity, &Activity::name);
    if (known != activities_.end() && state.done_bytes >= known->began_at_bytes) return *known;
    if (known != activities_.end()) activities_.erase(known);  // began anew
    if (activities_.size() >= kActivitiesMax) activities_.erase(activities_.begin());
    activities_.push_back({std::string(state.activity), now, state.done_bytes});
    return activities_.back();
}

void ProgressView::progress(const Progress& state) {
    const bool on_terminal = environment_.err_is_terminal && !reporter_.json();
    if (reporter_.quiet() || (!on_terminal && !reporter_.json())) return;
    const auto now = environment_.now();
    const Activity& activity = activity_of(state, now);
    const auto interval = on_terminal ? kRedrawEvery : kStatusLineEvery;
    if (now - began_ < kProgressAfter || (shown_ && now - *shown_ < interval)) return;
    shown_ = now;
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - activity.began);
    const Pace pace = pace_of(state.done_bytes - activity.began_at_bytes, bytes_left(state), elapsed);
    if (on_terminal)
        draw(state, pace);
    else
        print_status(state, pace);
}

void ProgressView::draw(const Progress& state, const Pace& pace) {
    environment_.err << kClearLine << fitted(describe(state, pace), environment_.terminal_columns) << std::flush;
    drawn_ = true;
}

void ProgressView::print_status(const Progress& state, const Pace& pace) {
    Json line{{"message_type", "status"}, {"activity", state.activity}, {"done_bytes", state.done_bytes}};
    line["total_bytes"] = state.total_bytes > 0 ? Json(state.total_bytes) : Json(nullptr);
    line["bytes_per_second"] = pace.bytes_per_second ? Json(*pace.bytes_per_second) : Json(nullptr);
    line["seconds_left"] = pace.seconds_left ? Json(*pace.seconds_left) : Json(nullptr);
    reporter_.json_line(line);
}

void ProgressView::note(std::string_view text) {
    clear();
    reporter_.note(text);
}

void ProgressView::clear() {
    if (drawn_) environment_.err << kClearLine << std::flush;
    drawn_ = false;
}

}  // namespace stasis::cli
