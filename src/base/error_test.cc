#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/result.h"

namespace stasis {
namespace {

Error make(std::string attempted, std::string subject, std::string why, std::string next = {}) {
    return {ErrorKind::failed, std::move(attempted), std::move(subject), std::move(why), std::move(next), nullptr};
}

Error around(Error cause, std::string attempted, std::string subject, std::string next = {}) {
    return fail_because(std::move(cause), std::move(attempted), std::move(subject), std::move(next)).error();
}

TEST(ErrorRender, says_what_on_what_why_and_what_next) {
    EXPECT_EQ(make("take snapshot 'a'", "domain 'web'", "the disk is full", "free some space").render(),
              "cannot take snapshot 'a' of domain 'web': the disk is full; next: free some space");
}

TEST(ErrorRender, leaves_out_empty_parts) {
    EXPECT_EQ(make("open", "/x", "no such file").render(), "cannot open /x: no such file");
    EXPECT_EQ(make("start", "", "broken").render(), "cannot start: broken");
    EXPECT_EQ(make("", "/x", "broken").render(), "/x: broken");
}

TEST(ErrorRender, falls_back_to_the_kind_without_a_reason) {
    Error error = make("find", "domain 'web'", "");
    error.kind = ErrorKind::not_found;
    EXPECT_EQ(error.render(), "cannot find domain 'web': not found");
    EXPECT_EQ(Error{}.render(), "failed");
}

TEST(ErrorRender, joins_attempt_and_subject_in_plain_english) {
    EXPECT_EQ(make("start", "domain 'web'", "y").render(), "cannot start domain 'web': y");
    EXPECT_EQ(make("start domain", "domain 'web'", "y").render(), "cannot start domain 'web': y");
    EXPECT_EQ(make("connect to", "/run/s", "y").render(), "cannot connect to /run/s: y");
    EXPECT_EQ(make("create overlay", "/x/a.qcow2", "y").render(), "cannot create overlay /x/a.qcow2: y");
    EXPECT_EQ(make("take snapshot 'a' of domain 'web'", "domain 'web'", "y").render(),
              "cannot take snapshot 'a' of domain 'web': y");
}

TEST(ErrorRender, tells_all_causes_from_the_outside_in) {
    const auto error = around(around(make("write", "/x", "no space left"), "create overlay", "/x"), "take snapshot 'a'",
                              "domain 'web'");
    EXPECT_EQ(error.render(),
              "cannot take snapshot 'a' of domain 'web': cannot create overlay /x: cannot write /x: no space left");
}

TEST(ErrorRender, does_not_repeat_a_sentence_a_reason_or_a_hint) {
    auto inner = make("open", "/x", "no such file", "check the path");
    auto outer = around(inner, "open", "/x", "check the path");
    outer.why = "no such file";
    EXPECT_EQ(outer.render(), "cannot open /x: no such file; next: check the path");
}

TEST(ErrorRender, keeps_a_reason_that_only_looks_like_part_of_the_text) {
    EXPECT_EQ(make("open", "/x/busybox", "busy").render(), "cannot open /x/busybox: busy");
}

TEST(ErrorRender, gives_every_different_hint_once) {
    auto error = around(make("load", "module", "missing", "modprobe it"), "start", "domain 'web'", "try --tcg");
    EXPECT_EQ(error.render(),
              "cannot start domain 'web': cannot load module: missing; next: try --tcg, or modprobe it");
}

TEST(ErrorRender, is_one_line_without_terminal_controls) {
    EXPECT_EQ(make("start", "domain 'web'", "it said:\n\x1b[31mred\r\nend\n").render(),
              "cannot start domain 'web': it said: | \\x1b[31mred | end");
    EXPECT_EQ(make("read", "/\xff", "bad").render(), "cannot read /\\xff: bad");
}

TEST(FailErrno, maps_numbers_to_what_a_caller_can_do) {
    const auto kind = [](int number) { return fail_errno(number, "a", "b").error().kind; };
    EXPECT_EQ(kind(ENOENT), ErrorKind::not_found);
    EXPECT_EQ(kind(EEXIST), ErrorKind::exists);
    EXPECT_EQ(kind(EACCES), ErrorKind::denied);
    EXPECT_EQ(kind(EPERM), ErrorKind::denied);
    EXPECT_EQ(kind(ENOSPC), ErrorKind::no_space);
    EXPECT_EQ(kind(EDQUOT), ErrorKind::no_space);
    EXPECT_EQ(kind(EINTR), ErrorKind::interrupted);
    EXPECT_EQ(kind(EBUSY), ErrorKind::busy);
    EXPECT_EQ(kind(EAGAIN), ErrorKind::busy);
    EXPECT_EQ(kind(EIO), ErrorKind::failed);
    EXPECT_EQ(fail_errno(ENOENT, "a", "b").error().why, "No such file or directory");
    EXPECT_EQ(fail_errno(123456, "a", "b").error().why, "error number 123456");
}

TEST(FailBecause, keeps_the_kind_of_the_cause) {
    Error cause = make("a", "b", "c");
    cause.kind = ErrorKind::denied;
    const auto error = around(cause, "d", "e");
    EXPECT_EQ(error.kind, ErrorKind::denied);
    ASSERT_NE(error.cause, nullptr);
    EXPECT_EQ(error.cause->why, "c");
}

Result<int> half(int number) {
    if (number % 2 != 0) return fail(ErrorKind::invalid, "halve", std::to_string(number), "odd");
    return number / 2;
}

Result<int> quarter(int number) {
    STASIS_TRY(const int once, half(number));
    STASIS_CHECK(half(once));
    return once / 2;
}

TEST(Macros, pass_on_values_and_errors) {
    EXPECT_EQ(quarter(8).value(), 2);
    EXPECT_EQ(quarter(7).error().subject, "7");
    EXPECT_EQ(quarter(6).error().subject, "3");
}

}  // namespace
}  // namespace stasis
