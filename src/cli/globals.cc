#include "cli/globals.h"

#include "cli/arguments.h"
#include "cli/options.h"

namespace stasis::cli {

namespace {

constexpr const char* kCommon = "Common options";

std::optional<std::string> set_variable(const Environment& environment, const std::string& name) {
    auto value = environment.variable(name);
    return value && !value->empty() ? value : std::nullopt;
}

}  // namespace

void declare_globals(Options& options, Globals& globals, bool changes) {
    options.group(kCommon);
    if (changes) options.flag("--dry-run", globals.dry_run, "Print the plan that would run; change nothing");
    options.flag("--json", globals.json, "Print JSON (see docs/json.md)");
    options.flag("-q,--quiet", globals.quiet, "Print no headings, remarks, confirmations or progress");
    options.flag("--verbose", globals.verbose, "Print the steps of the plan and the causes of an error");
    options.text("-c,--connect", globals.connect, "URI", "Hypervisor: qemu:/// or fake:/// (default: $STASIS_URI, qemu:///)");
    options.text("--root", globals.root, "FOLDER", "State folder (default: $STASIS_ROOT, see stasis(1))");
    options.number("--lock-wait", globals.lock_wait_s, kWaitSecondsMax, "SECONDS",
                   "How long to wait for another command on the same domain");
}

std::string uri_of(const Globals& globals, const Environment& environment) {
    if (!globals.connect.empty()) return globals.connect;
    return set_variable(environment, "STASIS_URI").value_or("qemu:///");
}

Result<std::string> root_of(const Globals& globals, const Environment& environment) {
    if (!globals.root.empty()) return absolute_path(environment, globals.root);
    if (const auto root = set_variable(environment, "STASIS_ROOT")) return absolute_path(environment, *root);
    if (environment.is_root) return "/var/lib/stasis";
    // The XDG base directory specification: a relative value is to be ignored.
    if (const auto state = set_variable(environment, "XDG_STATE_HOME"); state && state->starts_with('/'))
        return *state + "/stasis";
    if (const auto home = set_variable(environment, "HOME")) return *home + "/.local/state/stasis";
    return refuse(ErrorKind::invalid, "find the state folder", "", "HOME is not set", "say --root FOLDER or set STASIS_ROOT");
}

}  // namespace stasis::cli
