// The program: makes the real environment and runs the command line in it.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "cli/environment.h"

namespace {

using namespace stasis;

// A signal handler is handed nothing, so this one thing has to be found by name. Set once, before the handlers are.
std::atomic<CancelToken*> cancel_token{nullptr};

extern "C" void on_cancel(int) {
    if (CancelToken* token = cancel_token.load(std::memory_order_relaxed)) token->cancel();
}

extern "C" void on_broken_pipe(int) {}

void handle(int signal_number, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, nullptr);  // no SA_RESTART: what waits shall look at the token
}

// A handler rather than SIG_IGN for the broken pipe: programs that are started from here get the default back.
void handle_signals(CancelToken& token) {
    cancel_token.store(&token, std::memory_order_relaxed);
    handle(SIGINT, on_cancel);
    handle(SIGTERM, on_cancel);
    handle(SIGHUP, on_cancel);
    handle(SIGPIPE, on_broken_pipe);
    // A stopped tool would read no more of a guest's memory, and the guest would stand still with it. (Programs that
    // are started get the default back for these as well.)
    for (const int number : {SIGTSTP, SIGTTIN, SIGTTOU}) handle(number, SIG_IGN);
}

std::optional<std::string> variable(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

bool can_redraw(int descriptor) { return isatty(descriptor) == 1 && variable("TERM").value_or("dumb") != "dumb"; }

std::size_t columns_of_terminal(int descriptor) {
    winsize size{};
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string current_folder() {
    std::error_code error;
    auto folder = std::filesystem::current_path(error);
    return error ? std::string() : folder.string();
}

}  // namespace

int main(int count, char** words) {
    static CancelToken token;  // outlives every thread that may look at it
    handle_signals(token);
    cli::Environment environment{
        .out = std::cout,
        .err = std::cerr,
        .out_descriptor = STDOUT_FILENO,
        .out_is_terminal = isatty(STDOUT_FILENO) == 1,
        .err_is_terminal = can_redraw(STDERR_FILENO),
        .terminal_columns = columns_of_terminal(STDERR_FILENO),
        .is_root = geteuid() == 0,
        .folder = current_folder(),
        .variable = variable,
        .now = std::chrono::steady_clock::now,
        .cancel = token,
        .library = {.open = Host::open, .apply_snapshot_config = apply_snapshot_config},
    };
    return cli::run({words + std::min(count, 1), words + count}, environment);
}
