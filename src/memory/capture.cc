#include "memory/capture.h"

#include <algorithm>

#include "base/undo.h"
#include "memory/stream_receiver.h"
#include "memory/tail_file.h"

namespace stasis::memory {

namespace {

using codec::memimage::Codec;
using std::chrono::milliseconds;

constexpr std::string_view kTemporarySuffix = ".part";
constexpr milliseconds kProgressEvery{100};

Codec codec_for(MemoryCompression compression) {
    switch (compression) {
        case MemoryCompression::none: return Codec::raw;
        case MemoryCompression::lz4: return Codec::lz4;
        case MemoryCompression::zstd: return Codec::zstd;
    }
    return Codec::raw;
}

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

class FileCapture final : public StreamCapture {
public:
    FileCapture(seam::FileSystem& files, std::unique_ptr<seam::File> file, UniqueFd stream, UniqueFd wake, CaptureOptions options)
        : files_(files),
          options_(std::move(options)),
          part_path_(options_.path + std::string(kTemporarySuffix)),
          file_(std::move(file)),
          header_(codec::memimage::make_header(codec_for(options_.compression))),
          receiver_(*file_, codec_for(options_.compression), std::move(stream), std::move(wake), options_.description_optional) {}
    ~FileCapture() override { discard(); }

    bool wait_armed(milliseconds limit) override { return receiver_.wait_armed(limit); }
    bool ended() const override { return receiver_.whole(); }
    bool failed() const override { return receiver_.failed(); }
    std::uint64_t received_bytes() const override { return receiver_.received_bytes(); }

    Result<CaptureTotals> finish(ProgressSink* progress, const CancelToken* cancel) override {
        if (!file_) return fail(ErrorKind::failed, "save memory", options_.path, "the capture is over already");
        auto totals = complete(progress, cancel);
        discard();  // nothing is left to discard after success
        if (!totals) return fail_because(std::move(totals).error(), "save memory", options_.path);
        return totals;
    }

private:
    Result<CaptureTotals> complete(ProgressSink* progress, const CancelToken* cancel) {
        STASIS_CHECK(await_end(progress, cancel));
        STASIS_TRY(const Received received, receiver_.take());
        CaptureTotals totals{.guest_bytes = received.index.guest_bytes(),
                             .zero_pages = received.index.zero_pages(),
                             .stored_pages = received.index.stored_pages()};
        STASIS_TRY(totals.file_bytes, write_image_tail(*file_, header_, received));
        STASIS_CHECK(file_->sync());
        STASIS_CHECK(give_name());
        return totals;
    }

    Result<void> await_end(ProgressSink* progress, const CancelToken* cancel) {
        bool done = false;
        while (!done) {
            done = receiver_.wait_ended(kProgressEvery);
            if (cancel != nullptr && cancel->cancelled())
                return fail(ErrorKind::interrupted, "save memory", options_.path, "it was cancelled");
            if (progress == nullptr) continue;
            const std::uint64_t total = options_.expected_bytes != 0 ? options_.expected_bytes : receiver_.guest_bytes();
            const std::uint64_t received = receiver_.received_bytes();
            progress->progress({"saving memory", total == 0 ? received : std::min(received, total), total});
        }
        return {};
    }

    Result<void> give_name() {
        file_.reset();
        Undo remove_part([&] { (void)files_.remove_file(part_path_); });
        STASIS_CHECK(files_.rename(part_path_, options_.path));
        remove_part.dismiss();
        Undo remove_file([&] { (void)files_.remove_file(options_.path); });
        STASIS_CHECK(files_.sync_folder(folder_of(options_.path)));
        remove_file.dismiss();
        return {};
    }

    void discard() {
        receiver_.stop();
        if (!file_) return;
        file_.reset();
        (void)files_.remove_file(part_path_);
    }

    seam::FileSystem& files_;
    const CaptureOptions options_;
    const std::string part_path_;
    std::unique_ptr<seam::File> file_;  ///< none: the file has its final name, or is gone
    const codec::memimage::Header header_;
    StreamReceiver receiver_;
};

}  // namespace

Result<std::unique_ptr<StreamCapture>> StreamCapture::start(seam::FileSystem& files, UniqueFd stream, CaptureOptions options) {
    const auto decorate = [&](Error error) { return fail_because(std::move(error), "save memory", options.path); };
    auto taken = files.exists(options.path);
    if (!taken) return decorate(std::move(taken).error());
    if (*taken) return fail(ErrorKind::exists, "save memory", options.path, "there is a file of that name", "choose another name");
    auto wake = make_wake_descriptor();
    if (!wake) return decorate(std::move(wake).error());
    auto file = files.create(options.path + std::string(kTemporarySuffix));
    if (!file) return decorate(std::move(file).error());
    const auto header = codec::memimage::make_header(codec_for(options.compression));
    if (auto written = (*file)->write_at(0, std::as_bytes(std::span(&header, 1))); !written) {
        (void)files.remove_file(options.path + std::string(kTemporarySuffix));
        return decorate(std::move(written).error());
    }
    return std::make_unique<FileCapture>(files, *std::move(file), std::move(stream), *std::move(wake), std::move(options));
}

}  // namespace stasis::memory
