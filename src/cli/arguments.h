// From words on the command line to values of the public API: paths, documents, and the comma lists of --disk.
// Pure, but for reading a document; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <stasis/host.h>

#include "cli/environment.h"

namespace stasis::cli {

inline constexpr std::size_t kDocumentBytesMax = 16 << 20;  ///< longest file that define and --config read

/// An Error ready to be returned.
[[nodiscard]] std::unexpected<Error> refuse(ErrorKind kind, std::string attempted, std::string subject, std::string why,
                                            std::string next = {});
/// The kind that fits an errno; `why` is its text.
[[nodiscard]] std::unexpected<Error> refuse_errno(int error_number, std::string attempted, std::string subject);

/// `path` seen from the current folder, without "." and doubled or trailing slashes; ".." stays, since a symbolic link
/// before it may mean another folder. An empty path stays empty.
[[nodiscard]] Result<std::string> absolute_path(const Environment& environment, std::string_view path);
/// Makes each of these absolute in place.
[[nodiscard]] Result<void> make_absolute(const Environment& environment, std::initializer_list<std::string*> paths);

/// The whole text of a file, up to kDocumentBytesMax.
[[nodiscard]] Result<std::string> read_document(const std::string& path);

/// "vda=web.qcow2,format=raw,bus=sata,readonly,serial=1,cache=none,discard=unmap"; ",," is a comma within a value.
[[nodiscard]] Result<DefineDisk> parse_define_disk(const Environment& environment, std::string_view text);
/// "vda=external,path=/x/vda.qcow2,format=qcow2".
[[nodiscard]] Result<DiskRequest> parse_disk_request(const Environment& environment, std::string_view text);
/// "pty", "file:PATH", "unix:PATH", with PATH made absolute.
[[nodiscard]] Result<std::string> parse_serial(const Environment& environment, const std::string& text);

}  // namespace stasis::cli
