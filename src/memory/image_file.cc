#include "memory/image_file.h"

#include <algorithm>

#include "codec/migration/device_tail.h"
#include "codec/migration/head.h"

namespace stasis::memory {

using codec::memimage::ImageReader;

namespace {

class FileSource final : public codec::memimage::ByteSource {
public:
    FileSource(std::unique_ptr<seam::File> file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

    Result<std::uint64_t> size() override { return file_->size(); }
    Result<void> read(std::uint64_t offset, std::span<std::byte> bytes) override {
        STASIS_TRY(const std::size_t count, file_->read_at(offset, bytes));
        if (count != bytes.size()) return codec::memimage::damaged(path_, "it has become shorter while it was read");
        return {};
    }

private:
    std::unique_ptr<seam::File> file_;
    std::string path_;
};

bool same_blocks(const codec::migration::StreamHead& head, const std::vector<codec::memimage::Block>& blocks) {
    return std::ranges::equal(head.blocks, blocks, [](const auto& a, const auto& b) { return a.name == b.name && a.bytes == b.bytes; });
}

}  // namespace

Result<ImageFile> open_image(seam::FileSystem& files, const std::string& path) {
    STASIS_TRY(auto file, files.open_read(path));
    ImageFile image;
    STASIS_TRY(image.reader, ImageReader::open(std::make_unique<FileSource>(std::move(file), path), path));
    const auto& layout = image.reader->layout();
    auto head = codec::migration::parse_head(layout.configuration, layout.ram_setup);
    if (!head) return fail_because(std::move(head).error(), "read the memory image", path);
    image.head = *std::move(head);
    if (!same_blocks(image.head, layout.blocks))
        return codec::memimage::damaged(path, "its block table differs from the guest's own list of blocks");
    // Whether the description had to be there was decided when the stream was captured.
    if (!codec::migration::check_device_tail(layout.device_state, {.footers = image.head.footers, .description_optional = true}))
        return codec::memimage::damaged(path, "its device state has no end");
    STASIS_TRY(image.owners, image.reader->check_index());
    return image;
}

}  // namespace stasis::memory
