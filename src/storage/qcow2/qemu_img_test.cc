#include "storage/qcow2/qemu_img.h"

#include <gtest/gtest.h>

namespace stasis::storage {
namespace {

class ScriptedRunner final : public seam::ProcessRunner {
public:
    Result<seam::RunResult> run(const seam::RunRequest& request) override {
        seen = request;
        for (const auto& piece : output)
            if (request.on_output) request.on_output(piece);
        return answer;
    }
    Result<seam::SpawnedProcess> spawn(const seam::SpawnRequest&) override { return fail(ErrorKind::failed, "", "", ""); }
    Result<bool> alive(const seam::SpawnedProcess&) override { return false; }
    Result<void> signal(const seam::SpawnedProcess&, int) override { return {}; }
    Result<void> wait_gone(const seam::SpawnedProcess&, std::chrono::milliseconds) override { return {}; }

    seam::RunRequest seen;
    std::vector<std::string> output;
    Result<seam::RunResult> answer = seam::RunResult{};
};

const ImgTask kTask{"test", "/images/a.qcow2"};

TEST(QemuImg, ShortRunsHaveLimitsOfTimeAndMemory) {
    ScriptedRunner runner;
    ASSERT_TRUE(QemuImg(runner).run(kTask, {"info"}));
    EXPECT_EQ(runner.seen.argv, (std::vector<std::string>{"qemu-img", "info"}));
    EXPECT_GT(runner.seen.time_limit.count(), 0);
    EXPECT_GT(runner.seen.address_space_max, 0u);
}

TEST(QemuImg, AMissingProgramTellsWhatToInstall) {
    ScriptedRunner runner;
    runner.answer = fail(ErrorKind::not_found, "run program", "qemu-img", "there is none in PATH");
    const auto result = QemuImg(runner).run(kTask, {"info"});
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().next.find("install qemu-img"), std::string::npos);
}

TEST(QemuImg, LongRunsReportAndPassTheCancelToken) {
    ScriptedRunner runner;
    runner.output = {"    (0.00/100%)\r   (12.", "50/100%)\r", "    (99.00/100%)\r    (100.00/100%)\r\nImage committed.\n"};
    std::vector<double> seen;
    const CancelToken cancel;
    ASSERT_TRUE(QemuImg(runner).run_long(kTask, {"commit"}, {.on_percent = [&](double p) { seen.push_back(p); }, .cancel = &cancel}));
    EXPECT_EQ(seen, (std::vector<double>{0, 12.5, 100}));
    EXPECT_EQ(runner.seen.cancel, &cancel);
    EXPECT_EQ(runner.seen.time_limit.count(), 0);
}

TEST(ExplainQemuImg, TellsLocksFromFullDisksFromTheRest) {
    const auto kind = [](const std::string& text) { return explain_qemu_img(kTask, 1, text).kind; };
    EXPECT_EQ(kind("qemu-img: Could not open 'x': Failed to get \"write\" lock\nIs another process using the image [x]?\n"), ErrorKind::busy);
    EXPECT_EQ(kind("qemu-img: Failed to get shared \"write\" lock\n"), ErrorKind::busy);
    EXPECT_EQ(kind("qemu-img: Block job failed: No space left on device\n"), ErrorKind::no_space);
    EXPECT_EQ(kind("qemu-img: Could not open 'x': Permission denied\n"), ErrorKind::denied);
    EXPECT_EQ(kind("qemu-img: something else\n"), ErrorKind::failed);
    EXPECT_NE(explain_qemu_img(kTask, 137, "").why.find("signal 9"), std::string::npos);
    EXPECT_LT(explain_qemu_img(kTask, 1, std::string(100'000, 'x')).why.size(), 1000u);
}

TEST(ImageOptions, StateTheFormatAndEscapeThePath) {
    EXPECT_EQ(image_options("/a,b", model::ImageFormat::qcow2), "driver=qcow2,file.driver=file,file.filename=/a,,b");
}

TEST(PercentParser, IgnoresNonsenseAndNeverGrows) {
    PercentParser parser;
    EXPECT_LT(parser.feed("(abc/100%) (-3/100%) (1e9/100%)"), 0);
    for (int i = 0; i < 1000; ++i) EXPECT_LT(parser.feed(std::string(1000, '(')), 0);
    EXPECT_EQ(parser.feed("(7/100%)"), 7);
}

}  // namespace
}  // namespace stasis::storage
