#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace stasis {

namespace {

ErrorKind kind_of_errno(int error_number) {
    switch (error_number) {
        case ENOENT: return ErrorKind::not_found;
        case EEXIST: return ErrorKind::exists;
        case EACCES:
        case EPERM: return ErrorKind::denied;
        case ENOSPC:
        case EDQUOT: return ErrorKind::no_space;
        case EINTR: return ErrorKind::interrupted;
        case EBUSY:
        case EAGAIN: return ErrorKind::busy;
        default: return ErrorKind::failed;
    }
}

std::string text_of_errno(int error_number) {
    // The descriptions of strerror(), but the same in every locale and safe from any thread.
    const char* text = ::strerrordesc_np(error_number);
    return text != nullptr ? text : "error number " + std::to_string(error_number);
}

}  // namespace

std::unexpected<Error> fail(ErrorKind kind, std::string attempted, std::string subject, std::string why,
                            std::string next) {
    return std::unexpected(Error{kind, std::move(attempted), std::move(subject), std::move(why), std::move(next), nullptr});
}

std::unexpected<Error> fail_because(Error cause, std::string attempted, std::string subject, std::string next) {
    const auto kind = cause.kind;
    return std::unexpected(Error{kind, std::move(attempted), std::move(subject), {}, std::move(next),
                                 std::make_shared<const Error>(std::move(cause))});
}

std::unexpected<Error> fail_errno(int error_number, std::string attempted, std::string subject, std::string next) {
    return fail(kind_of_errno(error_number), std::move(attempted), std::move(subject), text_of_errno(error_number),
                std::move(next));
}

}  // namespace stasis
