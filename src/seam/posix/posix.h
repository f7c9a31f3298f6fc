// The real outside world. Each object holds no state of its own beyond the constants of its body and may be used from
// any thread; what it hands out follows the rule of its interface. Only host/ and tests make these.
#pragma once

#include <memory>

#include "base/unique_fd.h"
#include "seam/channel.h"
#include "seam/clock.h"
#include "seam/file_system.h"
#include "seam/process.h"

namespace stasis::seam {

/// Refuses paths that are not absolute or contain a NUL byte (invalid).
[[nodiscard]] std::unique_ptr<FileSystem> make_posix_file_system();
[[nodiscard]] std::unique_ptr<ProcessRunner> make_posix_process_runner();
[[nodiscard]] std::unique_ptr<ChannelFactory> make_posix_channel_factory();
[[nodiscard]] std::unique_ptr<Clock> make_posix_clock();

/// A channel over a connected stream socket that was got elsewhere (accept, socketpair). Nobody checks the peer.
[[nodiscard]] std::unique_ptr<Channel> make_posix_channel(UniqueFd socket);

}  // namespace stasis::seam
