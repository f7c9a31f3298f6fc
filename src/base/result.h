// Shorthand for making, passing on and decorating Errors. Pure; any thread.
#pragma once

#include <string>
#include <utility>

#include <stasis/error.h>

namespace stasis {

/// An Error ready to be returned: `return fail(ErrorKind::invalid, "parse size", text, "no digits", "write 512M")`.
[[nodiscard]] std::unexpected<Error> fail(ErrorKind kind, std::string attempted, std::string subject, std::string why,
                                          std::string next = {});

/// The same kind (or `kind`), with a new outer sentence around `cause`.
[[nodiscard]] std::unexpected<Error> fail_because(Error cause, std::string attempted, std::string subject,
                                                  std::string next = {});

/// Errno to kind: ENOENT not_found, EEXIST exists, EACCES/EPERM denied, ENOSPC/EDQUOT no_space, EINTR interrupted,
/// EBUSY/EAGAIN busy, otherwise failed. `why` becomes strerror's text.
[[nodiscard]] std::unexpected<Error> fail_errno(int error_number, std::string attempted, std::string subject,
                                                std::string next = {});

}  // namespace stasis

#define STASIS_CONCAT_(a, b) a##b
#define STASIS_CONCAT(a, b) STASIS_CONCAT_(a, b)

/// STASIS_TRY(auto value, expression): the value, or return the error.
#define STASIS_TRY(declaration, expression) STASIS_TRY_(declaration, expression, STASIS_CONCAT(result_, __LINE__))
#define STASIS_TRY_(declaration, expression, name)                 \
    auto name = (expression);                                      \
    if (!name) return std::unexpected(std::move(name).error());    \
    declaration = *std::move(name)

/// STASIS_CHECK(expression): go on, or return the error; for Result<void> and values not needed.
#define STASIS_CHECK(expression)                                                                     \
    do {                                                                                             \
        if (auto stasis_check_ = (expression); !stasis_check_)                                       \
            return std::unexpected(std::move(stasis_check_).error());                                \
    } while (false)
