// Real images and the real qemu-img. What every body of port::Volume must do is in tests/conformance; here stands what
// only real files can show: hostile headers, locks, permissions, and arguments that look like something else.
#include "storage/qcow2/qcow2_volume.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/unique_fd.h"
#include "storage/qcow2/header_file.h"
#include "storage/testing/real_images.h"

namespace stasis::storage {
namespace {

using model::ImageFormat;

class Qcow2VolumeTest : public testing::Test {
protected:
    test::RealImages images_;
    Qcow2Volume volume_{images_.files(), images_.processes()};

    std::string make(const std::string& name, ImageFormat format = ImageFormat::qcow2) {
        EXPECT_TRUE(images_.make(images_.path(name), format, 8u << 20));
        return images_.path(name);
    }
    std::string overlay(const std::string& name, const std::string& backing, ImageFormat format = ImageFormat::qcow2) {
        const auto made = volume_.create_overlay({images_.path(name), 8u << 20, backing, format});
        EXPECT_TRUE(made) << made.error().render();
        return images_.path(name);
    }
    void overwrite(const std::string& path, std::size_t offset, std::string_view bytes) {
        FILE* const file = ::fopen(path.c_str(), "r+b");
        ASSERT_NE(file, nullptr);
        ::fseek(file, static_cast<long>(offset), SEEK_SET);
        ::fwrite(bytes.data(), 1, bytes.size(), file);
        ::fclose(file);
    }
    static model::Image image(std::uint32_t id, const std::string& path, ImageFormat format = ImageFormat::qcow2) {
        return {.id = {id}, .target = *DiskTarget::parse("vda"), .path = path, .format = format, .virtual_bytes = 8u << 20};
    }
};

// A1: a guest writes a qcow2 header that names a host file onto its own raw disk.
TEST_F(Qcow2VolumeTest, ARawDiskIsNeverLookedInto) {
    const auto raw = make("disk.raw", ImageFormat::raw);
    const auto evil = images_.path("evil");
    ASSERT_FALSE(images_.run({"qemu-img", "create", "-f", "qcow2", "-u", "-b", "/etc/shadow", "-F", "raw", evil, "1G"}).starts_with("FAILED"));
    const auto header = seam::read_file(images_.files(), evil, 1 << 20);
    ASSERT_TRUE(header);
    overwrite(raw, 0, *header);
    const auto facts = volume_.inspect(raw, ImageFormat::raw);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->backing_path, "");
    EXPECT_EQ(facts->virtual_bytes, 8u << 20);
    const auto top = overlay("top.qcow2", raw, ImageFormat::raw);
    EXPECT_EQ(volume_.inspect(top, ImageFormat::qcow2)->backing_format, "raw");
    ASSERT_TRUE(images_.write(top, ImageFormat::qcow2, 20, 7));
    ASSERT_TRUE(volume_.merge_down({image(2, top), image(1, raw, ImageFormat::raw)}, nullptr, nullptr));
    EXPECT_TRUE(images_.holds(raw, ImageFormat::raw, 20, 7));
}

TEST_F(Qcow2VolumeTest, AnotherFormatThanStatedIsInvalid) {
    const auto raw = make("disk.raw", ImageFormat::raw);
    const auto facts = volume_.inspect(raw, ImageFormat::qcow2);
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().kind, ErrorKind::invalid);
    EXPECT_NE(facts.error().why.find("stated to be qcow2"), std::string::npos);
}

TEST_F(Qcow2VolumeTest, OverlayIsPrivateWhateverTheUmask) {
    const auto before = ::umask(0);
    const auto base = make("base.qcow2");
    const auto top = overlay("top.qcow2", base);
    ::umask(before);
    EXPECT_EQ(images_.files().stat(top)->mode & 0777u, 0600u);
}

// A4: names that tools take for protocols or options.
TEST_F(Qcow2VolumeTest, OddNamesAreJustNames) {
    const auto base = make("a,b=c:d 'e' -f.qcow2");
    const auto top = overlay("json:{,}--top.qcow2", base);
    ASSERT_TRUE(images_.write(base, ImageFormat::qcow2, 1, 5));
    ASSERT_TRUE(images_.write(top, ImageFormat::qcow2, 2, 6));
    EXPECT_TRUE(volume_.create_internal(top, "-c, --snap id=1"));
    EXPECT_TRUE(volume_.apply_internal(top, "-c, --snap id=1"));
    EXPECT_TRUE(volume_.delete_internal(top, "-c, --snap id=1"));
    const auto merged = volume_.merge_down({image(2, top), image(1, base)}, nullptr, nullptr);
    ASSERT_TRUE(merged) << merged.error().render();
    EXPECT_TRUE(images_.holds(base, ImageFormat::qcow2, 1, 5));
    EXPECT_TRUE(images_.holds(base, ImageFormat::qcow2, 2, 6));
}

TEST_F(Qcow2VolumeTest, ProtocolsAreRefusedAsPaths) {
    EXPECT_EQ(volume_.inspect("nbd:localhost:10809", ImageFormat::qcow2).error().kind, ErrorKind::invalid);
    EXPECT_EQ(volume_.create_overlay({images_.path("t"), 1 << 20, "json:{\"driver\":\"null-co\"}", ImageFormat::raw}).error().kind,
              ErrorKind::invalid);
    EXPECT_FALSE(*images_.files().exists(images_.path("t")));
}

// Names that look like ids: qemu-img -a would take "2" for the second snapshot, whatever its name.
TEST_F(Qcow2VolumeTest, NamesThatAreOtherSnapshotsIdsHitTheRightOne) {
    const auto path = make("disk.qcow2");
    ASSERT_TRUE(images_.write(path, ImageFormat::qcow2, 0, 1));
    ASSERT_TRUE(volume_.create_internal(path, "2"));  // gets id 1
    ASSERT_TRUE(images_.write(path, ImageFormat::qcow2, 0, 9));
    ASSERT_TRUE(volume_.create_internal(path, "other"));  // gets id 2
    ASSERT_TRUE(volume_.apply_internal(path, "2"));
    EXPECT_TRUE(images_.holds(path, ImageFormat::qcow2, 0, 1));
    ASSERT_TRUE(volume_.delete_internal(path, "2"));
    EXPECT_EQ(volume_.inspect(path, ImageFormat::qcow2)->internal_snapshots, std::vector<std::string>{"other"});
    ASSERT_TRUE(volume_.delete_internal(path, "2"));  // gone: fine, and the one with id 2 stays
    EXPECT_EQ(volume_.inspect(path, ImageFormat::qcow2)->internal_snapshots, std::vector<std::string>{"other"});
}

// A2, A3: chains that must not be opened by any tool.
TEST_F(Qcow2VolumeTest, ChainsWithUnstatedFormatsProtocolsOrLoopsAreRefused) {
    const auto base = make("base.qcow2");
    const auto unstated = overlay("unstated.qcow2", base);
    const auto header = *seam::read_file(images_.files(), unstated, 1 << 20);
    overwrite(unstated, header.find("\xe2\x79\x2a\xca"), "\x11\x11\x11\x11");  // the backing format becomes an unknown extension
    ASSERT_EQ(volume_.inspect(unstated, ImageFormat::qcow2)->backing_format, "");
    EXPECT_EQ(volume_.create_internal(unstated, "s").error().kind, ErrorKind::unsupported);
    const auto remote = images_.path("remote.qcow2");
    images_.run({"qemu-img", "create", "-f", "qcow2", "-u", "-b", "nbd:localhost:1", "-F", "raw", remote, "8M"});
    EXPECT_EQ(volume_.create_internal(remote, "s").error().kind, ErrorKind::unsupported);
    overlay("a.qcow2", images_.path("b.qcow2"));
    overlay("b.qcow2", images_.path("a.qcow2"));
    EXPECT_EQ(volume_.create_internal(images_.path("a.qcow2"), "s").error().kind, ErrorKind::corrupt);
    const auto split = images_.path("split.qcow2");
    images_.run({"qemu-img", "create", "-f", "qcow2", "-o", "data_file=" + images_.path("data.raw"), split, "8M"});
    EXPECT_TRUE(volume_.inspect(split, ImageFormat::qcow2)->has_external_data_file);
    EXPECT_EQ(volume_.create_internal(split, "s").error().kind, ErrorKind::unsupported);
}

TEST_F(Qcow2VolumeTest, ChainsDeeperThanTheLimitAreRefused) {
    // Only headers: each names the next one, which is made by copying the first and never by opening.
    for (std::uint32_t i = 0; i < model::kChainDepthMax + 2; ++i) {
        const auto from = images_.path("seed.qcow2");
        if (i == 0) overlay("seed.qcow2", images_.path("000.qcow2"));
        char name[16];
        char next[16];
        std::snprintf(name, sizeof name, "%03u.qcow2", i);
        std::snprintf(next, sizeof next, "%03u.qcow2", i + 1);
        auto content = *seam::read_file(images_.files(), from, 1 << 20);
        content.replace(content.find("000.qcow2"), 9, next);
        std::ofstream(images_.path(name), std::ios::binary) << content;
    }
    const auto followed = follow_headers(images_.files(), images_.path("000.qcow2"));
    ASSERT_FALSE(followed);
    EXPECT_EQ(followed.error().kind, ErrorKind::corrupt) << followed.error().render();
}

TEST_F(Qcow2VolumeTest, MergeRefusesAChainThatDiffersFromTheHeaders) {
    const auto base = make("base.qcow2");
    const auto other = make("other.qcow2");
    const auto top = overlay("top.qcow2", base);
    ASSERT_TRUE(images_.write(top, ImageFormat::qcow2, 0, 3));
    const auto merged = volume_.merge_down({image(2, top), image(1, other)}, nullptr, nullptr);
    ASSERT_FALSE(merged);
    EXPECT_EQ(merged.error().kind, ErrorKind::corrupt);
    EXPECT_TRUE(images_.holds(other, ImageFormat::qcow2, 0, 0));
    const auto as_raw = volume_.merge_down({image(2, top), image(1, base, ImageFormat::raw)}, nullptr, nullptr);
    EXPECT_EQ(as_raw.error().kind, ErrorKind::corrupt);
}

TEST_F(Qcow2VolumeTest, AnImageThatAnotherProcessHasOpenIsBusy) {
    const auto path = make("disk.qcow2");
    // What a QEMU that writes to the image does: byte 201 says that it does not share "write" (block/file-posix.c).
    UniqueFd holder(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    struct flock lock = {};
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 201;
    lock.l_len = 1;
    ASSERT_EQ(::fcntl(holder.get(), F_OFD_SETLK, &lock), 0);
    const auto created = volume_.create_internal(path, "s");
    holder.reset();
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().kind, ErrorKind::busy) << created.error().render();
    EXPECT_TRUE(volume_.create_internal(path, "s"));
}

// A14 and A5 as they appear in facts.
TEST_F(Qcow2VolumeTest, ReadOnlyAndCorruptImagesAreTold) {
    const auto path = make("disk.qcow2");
    ::chmod(path.c_str(), 0400);
    EXPECT_FALSE(volume_.inspect(path, ImageFormat::qcow2)->writable);
    ::chmod(path.c_str(), 0600);
    EXPECT_TRUE(volume_.inspect(path, ImageFormat::qcow2)->writable);
    overwrite(path, 79, "\x02");  // incompatible feature bit 1
    EXPECT_EQ(volume_.inspect(path, ImageFormat::qcow2).error().kind, ErrorKind::corrupt);
}

TEST_F(Qcow2VolumeTest, AFailedCreateLeavesNothing) {
    const auto made = volume_.create_overlay({images_.path("top.qcow2"), ~0ull, images_.path("base.qcow2"), ImageFormat::qcow2});
    ASSERT_FALSE(made);
    EXPECT_TRUE(images_.files().list_folder(images_.folder())->empty());
}

}  // namespace
}  // namespace stasis::storage
