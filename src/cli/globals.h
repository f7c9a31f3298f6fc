// The options that every command takes, and what they come to with the environment's variables and defaults.
// Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/environment.h"

namespace stasis::cli {

class Options;

inline constexpr std::uint64_t kWaitSecondsMax = 86'400;  ///< longest --lock-wait and --wait: a day

struct Globals {
    std::string connect;  ///< empty: STASIS_URI, then qemu:///
    std::string root;     ///< empty: STASIS_ROOT, then the default place
    bool json = false;
    bool quiet = false;
    bool verbose = false;
    bool dry_run = false;
    std::optional<std::uint64_t> lock_wait_s;
};

/// Declares them on a command line; --dry-run only where `changes`.
void declare_globals(Options& options, Globals& globals, bool changes);

[[nodiscard]] std::string uri_of(const Globals& globals, const Environment& environment);
/// The state folder, absolute.
[[nodiscard]] Result<std::string> root_of(const Globals& globals, const Environment& environment);

}  // namespace stasis::cli
