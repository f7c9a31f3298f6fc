// The closed set of exit codes: one table, from which the program, the manual page's test and the README's test read.
// Constants; any thread.
#pragma once

#include <array>
#include <string_view>

#include <stasis/error.h>

namespace stasis::cli {

struct ExitCode {
    int code = 0;
    std::string_view name;     ///< the error kind's word, or "ok"
    std::string_view meaning;  ///< as the manual page has it
};

inline constexpr int kExitOk = 0;

inline constexpr std::array<ExitCode, 11> kExitCodes{{
    {kExitOk, "ok", "the command did what it was asked to do"},
    {1, "failed", "anything that no other code names; the message says what"},
    {2, "invalid", "the command line, a name or a document is wrong"},
    {3, "not_found", "a domain, snapshot, disk or file that was named does not exist"},
    {4, "exists", "what should be made is there already"},
    {5, "busy", "another command or process holds it; try again later"},
    {6, "unsupported", "a rule or the environment refuses it; another way may work"},
    {7, "denied", "no permission"},
    {8, "corrupt", "stored data fails its check"},
    {9, "no_space", "a file system is full, or would be"},
    {130, "interrupted", "cancelled by Ctrl-C or a signal; what was begun has been undone or is finished by the next command"},
}};

/// The code of an error that ends the program.
[[nodiscard]] constexpr int exit_code(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::failed: return 1;
        case ErrorKind::invalid: return 2;
        case ErrorKind::not_found: return 3;
        case ErrorKind::exists: return 4;
        case ErrorKind::busy: return 5;
        case ErrorKind::unsupported: return 6;
        case ErrorKind::denied: return 7;
        case ErrorKind::corrupt: return 8;
        case ErrorKind::no_space: return 9;
        case ErrorKind::interrupted: return 130;
    }
    return 1;
}

}  // namespace stasis::cli
