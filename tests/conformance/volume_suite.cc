// What every body of port::Volume must do.
#include <gtest/gtest.h>

#include <algorithm>

#include "subject.h"

namespace stasis::conformance {
namespace {

using model::ImageFormat;

class VolumeSuite : public testing::Test {
protected:
    std::unique_ptr<StorageSubject> subject_ = make_storage();
    port::Volume& volume_ = subject_->volume();

    std::string base(ImageFormat format = ImageFormat::qcow2) {
        const std::string path = subject_->path(format == ImageFormat::raw ? "base.raw" : "base.qcow2");
        EXPECT_TRUE(subject_->make_image(path, format));
        return path;
    }
    std::string overlay(const std::string& name, const std::string& backing, ImageFormat format = ImageFormat::qcow2) {
        const std::string path = subject_->path(name);
        const auto made = volume_.create_overlay({path, kDiskBytes, backing, format});
        EXPECT_TRUE(made) << made.error().render();
        return path;
    }
    bool write(const std::string& path, std::uint64_t cluster, unsigned value, ImageFormat format = ImageFormat::qcow2) {
        return subject_->write(path, format, cluster, value);
    }
    bool holds(const std::string& path, std::uint64_t cluster, unsigned value, ImageFormat format = ImageFormat::qcow2) {
        return subject_->holds(path, format, cluster, value);
    }
    static model::Image image(std::uint32_t id, const std::string& path, ImageFormat format = ImageFormat::qcow2) {
        return {.id = {id}, .target = *DiskTarget::parse("vda"), .path = path, .format = format, .virtual_bytes = kDiskBytes};
    }
};

class Sink final : public ProgressSink {
public:
    void progress(const Progress& state) override {
        last_done = state.done_bytes;
        last_total = state.total_bytes;
        ++count;
        if (state.total_bytes != 0) {
            EXPECT_LE(state.done_bytes, state.total_bytes);
        }
    }
    void note(std::string_view) override {}
    std::uint64_t last_done = 0, last_total = 0;
    int count = 0;
};

TEST_F(VolumeSuite, InspectTellsSizeAndFormat) {
    const auto qcow2 = volume_.inspect(base(), ImageFormat::qcow2);
    ASSERT_TRUE(qcow2) << qcow2.error().render();
    EXPECT_EQ(qcow2->format, ImageFormat::qcow2);
    EXPECT_EQ(qcow2->virtual_bytes, kDiskBytes);
    EXPECT_EQ(qcow2->backing_path, "");
    EXPECT_TRUE(qcow2->internal_snapshots.empty());
    EXPECT_TRUE(qcow2->writable);
    EXPECT_FALSE(qcow2->has_external_data_file);
    const auto raw = volume_.inspect(base(ImageFormat::raw), ImageFormat::raw);
    ASSERT_TRUE(raw) << raw.error().render();
    EXPECT_EQ(raw->format, ImageFormat::raw);
    EXPECT_EQ(raw->virtual_bytes, kDiskBytes);
}

TEST_F(VolumeSuite, InspectRefusesWhatIsNotThereAndAnotherFormatThanStated) {
    EXPECT_EQ(volume_.inspect(subject_->path("missing.qcow2"), ImageFormat::qcow2).error().kind, ErrorKind::not_found);
    EXPECT_EQ(volume_.inspect(base(ImageFormat::raw), ImageFormat::qcow2).error().kind, ErrorKind::invalid);
}

TEST_F(VolumeSuite, FingerprintChangesWithContentOnly) {
    const auto path = base();
    const auto before = volume_.inspect(path, ImageFormat::qcow2)->fingerprint;
    EXPECT_EQ(volume_.inspect(path, ImageFormat::qcow2)->fingerprint, before);
    ASSERT_TRUE(write(path, 3, 7));
    EXPECT_NE(volume_.inspect(path, ImageFormat::qcow2)->fingerprint, before);
}

TEST_F(VolumeSuite, OverlayShowsItsBaseAndKeepsItsOwnWrites) {
    const auto below = base();
    ASSERT_TRUE(write(below, 1, 11));
    const auto top = overlay("top.qcow2", below);
    const auto facts = volume_.inspect(top, ImageFormat::qcow2);
    ASSERT_TRUE(facts) << facts.error().render();
    EXPECT_EQ(facts->virtual_bytes, kDiskBytes);
    EXPECT_EQ(facts->backing_path, below);
    EXPECT_EQ(facts->backing_format, "qcow2");
    ASSERT_TRUE(write(top, 2, 22));
    EXPECT_TRUE(holds(top, 1, 11));
    EXPECT_TRUE(holds(top, 2, 22));
    EXPECT_TRUE(holds(below, 2, 0));
}

TEST_F(VolumeSuite, OverlayOnRawStatesRaw) {
    const auto below = base(ImageFormat::raw);
    const auto top = overlay("top.qcow2", below, ImageFormat::raw);
    EXPECT_EQ(volume_.inspect(top, ImageFormat::qcow2)->backing_format, "raw");
}

TEST_F(VolumeSuite, OverlayNeverReplacesAFile) {
    const auto below = base();
    const auto top = overlay("top.qcow2", below);
    ASSERT_TRUE(write(top, 0, 5));
    EXPECT_EQ(volume_.create_overlay({top, kDiskBytes, below, ImageFormat::qcow2}).error().kind, ErrorKind::exists);
    EXPECT_TRUE(holds(top, 0, 5));
}

TEST_F(VolumeSuite, OverlayInAFolderThatIsNotThereIsNotFound) {
    const auto made = volume_.create_overlay({subject_->path("missing-folder/top.qcow2"), kDiskBytes, base(), ImageFormat::qcow2});
    EXPECT_EQ(made.error().kind, ErrorKind::not_found);
}

TEST_F(VolumeSuite, InternalSnapshotBringsContentBack) {
    const auto path = base();
    ASSERT_TRUE(write(path, 0, 1));
    ASSERT_TRUE(volume_.create_internal(path, "before"));
    ASSERT_TRUE(write(path, 0, 2));
    ASSERT_TRUE(write(path, 1, 3));
    EXPECT_EQ(volume_.inspect(path, ImageFormat::qcow2)->internal_snapshots, std::vector<std::string>{"before"});
    ASSERT_TRUE(volume_.apply_internal(path, "before"));
    EXPECT_TRUE(holds(path, 0, 1));
    EXPECT_TRUE(holds(path, 1, 0));
    ASSERT_TRUE(volume_.apply_internal(path, "before"));
    EXPECT_TRUE(holds(path, 0, 1));
}

TEST_F(VolumeSuite, InternalSnapshotsAreIndependent) {
    const auto path = base();
    for (const unsigned value : {1u, 2u, 3u}) {
        ASSERT_TRUE(write(path, 0, value));
        ASSERT_TRUE(volume_.create_internal(path, "s" + std::to_string(value)));
    }
    ASSERT_TRUE(volume_.delete_internal(path, "s2"));
    EXPECT_EQ(volume_.inspect(path, ImageFormat::qcow2)->internal_snapshots, (std::vector<std::string>{"s1", "s3"}));
    ASSERT_TRUE(volume_.apply_internal(path, "s1"));
    EXPECT_TRUE(holds(path, 0, 1));
    ASSERT_TRUE(volume_.apply_internal(path, "s3"));
    EXPECT_TRUE(holds(path, 0, 3));
}

TEST_F(VolumeSuite, InternalSnapshotErrors) {
    const auto path = base();
    ASSERT_TRUE(volume_.create_internal(path, "a"));
    EXPECT_EQ(volume_.create_internal(path, "a").error().kind, ErrorKind::exists);
    EXPECT_EQ(volume_.apply_internal(path, "b").error().kind, ErrorKind::not_found);
    EXPECT_TRUE(volume_.delete_internal(path, "b"));
    EXPECT_TRUE(volume_.delete_internal(path, "a"));
    EXPECT_TRUE(volume_.delete_internal(path, "a"));
    EXPECT_EQ(volume_.create_internal(subject_->path("missing.qcow2"), "a").error().kind, ErrorKind::not_found);
}

TEST_F(VolumeSuite, MergeFoldsAllLayersIntoTheBase) {
    const auto bottom = base();
    ASSERT_TRUE(write(bottom, 0, 1));
    ASSERT_TRUE(write(bottom, 1, 1));
    const auto middle = overlay("middle.qcow2", bottom);
    ASSERT_TRUE(write(middle, 1, 2));
    ASSERT_TRUE(write(middle, 2, 2));
    const auto top = overlay("top.qcow2", middle);
    ASSERT_TRUE(write(top, 2, 3));
    ASSERT_TRUE(write(top, 3, 3));
    Sink sink;
    const auto merged = volume_.merge_down({image(3, top), image(2, middle), image(1, bottom)}, &sink, nullptr);
    ASSERT_TRUE(merged) << merged.error().render();
    EXPECT_TRUE(holds(bottom, 0, 1));
    EXPECT_TRUE(holds(bottom, 1, 2));
    EXPECT_TRUE(holds(bottom, 2, 3));
    EXPECT_TRUE(holds(bottom, 3, 3));
    EXPECT_TRUE(holds(top, 3, 3)) << "the top must stay as it is";
    EXPECT_TRUE(holds(top, 1, 2));
    EXPECT_GT(sink.count, 0);
    EXPECT_EQ(sink.last_done, sink.last_total);
}

TEST_F(VolumeSuite, MergeIntoARawBase) {
    const auto bottom = base(ImageFormat::raw);
    ASSERT_TRUE(write(bottom, 0, 1, ImageFormat::raw));
    const auto top = overlay("top.qcow2", bottom, ImageFormat::raw);
    ASSERT_TRUE(write(top, 5, 6));
    const auto merged = volume_.merge_down({image(2, top), image(1, bottom, ImageFormat::raw)}, nullptr, nullptr);
    ASSERT_TRUE(merged) << merged.error().render();
    EXPECT_TRUE(holds(bottom, 0, 1, ImageFormat::raw));
    EXPECT_TRUE(holds(bottom, 5, 6, ImageFormat::raw));
}

TEST_F(VolumeSuite, MergeCanBeDoneAgain) {
    const auto bottom = base();
    const auto top = overlay("top.qcow2", bottom);
    ASSERT_TRUE(write(top, 5, 6));
    const std::vector<model::Image> chain{image(2, top), image(1, bottom)};
    ASSERT_TRUE(volume_.merge_down(chain, nullptr, nullptr));
    ASSERT_TRUE(volume_.merge_down(chain, nullptr, nullptr));
    EXPECT_TRUE(holds(bottom, 5, 6));
}

TEST_F(VolumeSuite, MergeRefusesAChainThatIsNotOne) {
    const auto bottom = base();
    const auto other = subject_->path("other.qcow2");
    ASSERT_TRUE(subject_->make_image(other, ImageFormat::qcow2));
    const auto top = overlay("top.qcow2", bottom);
    ASSERT_TRUE(write(top, 5, 6));
    EXPECT_EQ(volume_.merge_down({image(2, top), image(1, other)}, nullptr, nullptr).error().kind, ErrorKind::corrupt);
    EXPECT_EQ(volume_.merge_down({image(2, top)}, nullptr, nullptr).error().kind, ErrorKind::invalid);
    EXPECT_TRUE(holds(other, 5, 0));
    EXPECT_TRUE(holds(bottom, 5, 0));
}

TEST_F(VolumeSuite, CancelledMergeLeavesTheTopWhole) {
    const auto bottom = base();
    const auto top = overlay("top.qcow2", bottom);
    ASSERT_TRUE(write(top, 5, 6));
    CancelToken cancel;
    cancel.cancel();
    EXPECT_EQ(volume_.merge_down({image(2, top), image(1, bottom)}, nullptr, &cancel).error().kind, ErrorKind::interrupted);
    EXPECT_TRUE(holds(top, 5, 6));
}

}  // namespace
}  // namespace stasis::conformance
