// All that the program touches of the outside world, handed in by main() or by a test: streams, terminal, variables,
// current folder, clock, the signal's token, and the library itself. Owned by the caller of run(); one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include <stasis/host.h>

namespace stasis::cli {

/// The two entries into the library.
struct Library {
    std::function<Result<std::unique_ptr<Host>>(const OpenOptions&)> open;
    std::function<Result<SnapshotCreateOptions>(std::string_view text, const std::string& source, SnapshotCreateOptions)>
        apply_snapshot_config;
};

struct Environment {
    std::ostream& out;
    std::ostream& err;
    int out_descriptor = 1;            ///< behind `out`: where memory-export writes for "-"
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    std::size_t terminal_columns = 80; ///< of the terminal behind `err`
    bool is_root = false;
    std::string folder;                ///< current folder, absolute; empty: it cannot be told
    std::function<std::optional<std::string>(const std::string& name)> variable;
    std::function<std::chrono::steady_clock::time_point()> now;
    const CancelToken& cancel;
    Library library;
};

/// The whole program: parses, calls, prints. `arguments` without the program's name; returns the exit code.
int run(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace stasis::cli
