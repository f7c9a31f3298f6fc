// Errors of the public API: a closed set of kinds that tell a caller what to do, and a message in four parts
// that is rendered once, at the edge. Values, no ownership; free to use from any thread.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace stasis {

/// What a caller can do about it. The set is closed; the program's exit codes are derived from it.
enum class ErrorKind {
    invalid,      ///< the request itself is wrong; change it
    not_found,    ///< what was named does not exist
    exists,       ///< what should be made is there already
    busy,         ///< somebody else holds it; try again later
    unsupported,  ///< a rule or the environment refuses it; another way may work
    denied,       ///< no permission
    corrupt,      ///< stored data fails its check
    no_space,     ///< a file system is full, or would be
    interrupted,  ///< cancelled by the user or a signal
    failed,       ///< anything else: the cause says what
};

/// The kind's stable name, as printed in JSON ("not_found").
[[nodiscard]] std::string_view to_string(ErrorKind kind);

/// What was attempted, on what, why it failed and what to do next. Empty parts are left out when rendered.
struct Error {
    ErrorKind kind = ErrorKind::failed;
    std::string attempted;  ///< "take snapshot 'a'", in the imperative, no full stop
    std::string subject;    ///< "domain 'web'" or a path
    std::string why;        ///< one clause, no full stop
    std::string next;       ///< what the user can do, no full stop
    std::shared_ptr<const Error> cause;  ///< the error below, if any

    /// "cannot take snapshot 'a' of domain 'web': no space left: ...; next: ..." with all causes, one line.
    [[nodiscard]] std::string render() const;
};

/// A value or an Error. Never carries exceptions; ignoring one is a compiler warning.
template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
public:
    using std::expected<T, Error>::expected;
};

}  // namespace stasis
