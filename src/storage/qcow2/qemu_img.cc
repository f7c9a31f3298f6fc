#include "storage/qcow2/qemu_img.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "storage/paths.h"

namespace stasis::storage {
namespace {

constexpr std::chrono::milliseconds kShortRunMax{60'000};
constexpr std::uint64_t kAddressSpaceMax = 2ull << 30;  ///< qemu-img takes about 1 GiB, most of it thread stacks
constexpr std::size_t kPartialPercentMax = 64;

std::string last_line(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    std::ranges::replace(text, '\n', ' ');
    constexpr std::size_t kQuotedMax = 500;
    return text.size() > kQuotedMax ? text.substr(text.size() - kQuotedMax) : text;
}

}  // namespace

Result<void> QemuImg::run(const ImgTask& task, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "qemu-img");
    seam::RunRequest request{.argv = std::move(arguments), .time_limit = kShortRunMax, .address_space_max = kAddressSpaceMax};
    return finish(task, processes_.run(request));
}

Result<void> QemuImg::run_long(const ImgTask& task, std::vector<std::string> arguments, const LongRun& how) {
    arguments.insert(arguments.begin(), "qemu-img");
    seam::RunRequest request{.argv = std::move(arguments),
                             .time_limit = std::chrono::milliseconds(0),
                             .address_space_max = how.address_space_max,
                             .cancel = how.cancel};
    PercentParser parser;
    request.on_output = [&](std::string_view piece) {
        const double percent = parser.feed(piece);
        if (percent >= 0 && how.on_percent) how.on_percent(percent);
    };
    return finish(task, processes_.run(request));
}

Result<void> QemuImg::finish(const ImgTask& task, const Result<seam::RunResult>& result) {
    if (!result) {
        const bool missing = result.error().kind == ErrorKind::not_found;
        return fail_because(result.error(), task.attempted, task.subject,
                            missing ? "install qemu-img (Debian: apt install qemu-utils)" : "");
    }
    if (result->exit_code == 0) return {};
    return std::unexpected(explain_qemu_img(task, result->exit_code, result->standard_error));
}

std::string image_options(const std::string& path, model::ImageFormat format) {
    const std::string driver = format == model::ImageFormat::raw ? "raw" : "qcow2";
    return "driver=" + driver + ",file.driver=file,file.filename=" + option_value(path);
}

Error explain_qemu_img(const ImgTask& task, int exit_code, const std::string& text) {
    Error error{.kind = ErrorKind::failed, .attempted = task.attempted, .subject = task.subject};
    const std::string said = last_line(text);
    if (text.contains("Failed to get") && text.contains("lock")) {
        error.kind = ErrorKind::busy;
        error.why = "another process has the image open: " + said;
        error.next = "stop that process (fuser shows it) and try again";
    } else if (text.contains("No space left on device") || text.contains("Disk quota exceeded")) {
        error.kind = ErrorKind::no_space;
        error.why = "the file system is full: " + said;
        error.next = "free some space and try again";
    } else if (text.contains("Permission denied")) {
        error.kind = ErrorKind::denied;
        error.why = said;
        error.next = "run as a user who may write the image";
    } else if (exit_code > 128) {
        error.why = "qemu-img was ended by signal " + std::to_string(exit_code - 128) + (said.empty() ? "" : ": " + said);
    } else {
        error.why = said.empty() ? "qemu-img ended with code " + std::to_string(exit_code) : said;
    }
    return error;
}

double PercentParser::feed(std::string_view piece) {
    rest_.append(piece);
    double newest = -1;
    for (std::size_t open = rest_.find('('); open != std::string::npos; open = rest_.find('(')) {
        const std::size_t close = rest_.find("/100%)", open);
        if (close == std::string::npos) {
            rest_.erase(0, open);
            break;
        }
        double value = 0;
        const char* const end = rest_.data() + close;
        const auto [stop, status] = std::from_chars(rest_.data() + open + 1, end, value);
        if (status == std::errc() && stop == end && value >= 0 && value <= 100) newest = value;
        rest_.erase(0, close + 6);
    }
    if (rest_.size() > kPartialPercentMax) rest_.clear();
    return newest;
}

}  // namespace stasis::storage
