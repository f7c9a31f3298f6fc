#include "cli/test_host.h"

#include <unistd.h>

#include <utility>

namespace stasis::cli::testing {

Result<Bytes> TestHost::memory_export(const std::string& d, const SnapshotName&, int descriptor, const RunMode& mode) {
    if (world_.during) world_.during(mode);
    constexpr std::string_view kStream = "a stream";
    if (::write(descriptor, kStream.data(), kStream.size()) != static_cast<ssize_t>(kStream.size()))
        return std::unexpected(Error{ErrorKind::failed, "write", "", "", "", nullptr});
    return answer("export", d, Bytes{kStream.size()});
}

TestProgram::TestProgram()
    : environment{.out = out,
                  .err = err,
                  .folder = "/cwd",
                  .variable = [this](const std::string& name) -> std::optional<std::string> {
                      const auto at = variables.find(name);
                      return at == variables.end() ? std::nullopt : std::optional(at->second);
                  },
                  .now = [this] { return now; },
                  .cancel = cancel,
                  .library = {.open = [this](const OpenOptions& options) -> Result<std::unique_ptr<Host>> {
                                  world.opened = options;
                                  return std::make_unique<TestHost>(world);
                              },
                              .apply_snapshot_config = [this](std::string_view text, const std::string&,
                                                              SnapshotCreateOptions options) -> Result<SnapshotCreateOptions> {
                                  world.config_text = text;
                                  return options;
                              }}} {
    world.info.summary.name = *DomainName::parse("web");
}

Ran TestProgram::run(const std::vector<std::string>& arguments) {
    out.str({});
    err.str({});
    const int code = cli::run(arguments, environment);
    return {code, out.str(), err.str()};
}

}  // namespace stasis::cli::testing
