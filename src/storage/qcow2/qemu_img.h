// Runs qemu-img on images whose format is stated and whose path is absolute, within limits of time and memory, and
// turns what it says into Errors: a lock held elsewhere is busy, a full file system is no_space. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/domain.h"
#include "seam/process.h"

namespace stasis::storage {

/// What is being done, for messages.
struct ImgTask {
    std::string attempted;  ///< "create internal snapshot 'a'"
    std::string subject;    ///< the image
};

class QemuImg {
public:
    explicit QemuImg(seam::ProcessRunner& processes) : processes_(processes) {}

    /// Runs `qemu-img <arguments>` for at most a minute.
    Result<void> run(const ImgTask& task, std::vector<std::string> arguments);

    /// As run(), without a limit of time; `on_percent` is called as qemu-img's -p prints. Cancelled: interrupted.
    struct LongRun {
        std::function<void(double percent)> on_percent;
        const CancelToken* cancel = nullptr;
        std::uint64_t address_space_max = 0;
    };
    Result<void> run_long(const ImgTask& task, std::vector<std::string> arguments, const LongRun& how);

private:
    Result<void> finish(const ImgTask& task, const Result<seam::RunResult>& result);
    seam::ProcessRunner& processes_;
};

/// "driver=qcow2,file.driver=file,file.filename=/x": for --image-opts, so that nothing is probed.
[[nodiscard]] std::string image_options(const std::string& path, model::ImageFormat format);

/// What a failed qemu-img run means: its kind and what to do next. `text` is its standard error.
[[nodiscard]] Error explain_qemu_img(const ImgTask& task, int exit_code, const std::string& text);

/// Finds the last "(12.34/100%)" in the stream that pieces of output make up.
class PercentParser {
public:
    /// Feeds a piece; returns the newest value, negative when none ended in this piece.
    double feed(std::string_view piece);

private:
    std::string rest_;
};

}  // namespace stasis::storage
