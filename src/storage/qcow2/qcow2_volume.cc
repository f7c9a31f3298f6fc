#include "storage/qcow2/qcow2_volume.h"

#include <algorithm>

#include "base/undo.h"
#include "storage/paths.h"
#include "storage/qcow2/header_file.h"

namespace stasis::storage {
namespace {

constexpr std::size_t kInternalNameBytesMax = 255;  ///< QEMU cuts longer names without a word
constexpr std::uint32_t kWriteBits = 0222;

model::Fingerprint fingerprint_of(const seam::FileStat& stat) {
    return {.size_bytes = stat.size_bytes,
            .modified_ns = stat.is_block_device ? 0 : stat.modified_ns,  // a device node's time says nothing
            .inode = stat.inode};
}

Result<void> fill_from_header(seam::FileSystem& files, const std::string& path, model::ImageFacts& facts) {
    STASIS_TRY(const auto header, read_header_file(files, path));
    if (header.marked_corrupt)
        return fail(ErrorKind::corrupt, "inspect the image", path, "QEMU has marked it as corrupt",
                    "repair it with 'qemu-img check -r all'");
    facts.virtual_bytes = header.virtual_bytes;
    facts.backing_path = header.backing_path;
    facts.backing_format = header.backing_format;
    facts.has_external_data_file = header.has_external_data_file;
    for (const auto& snapshot : header.snapshots) facts.internal_snapshots.push_back(snapshot.name);
    return {};
}

const codec::qcow2::Snapshot* find_name(const codec::qcow2::Image& header, const std::string& name) {
    const auto found = std::ranges::find(header.snapshots, name, &codec::qcow2::Snapshot::name);
    return found == header.snapshots.end() ? nullptr : &*found;
}

}  // namespace

Result<model::ImageFacts> Qcow2Volume::inspect(const std::string& path, model::ImageFormat stated) {
    STASIS_CHECK(check_path("inspect the image", path));
    auto stat = files_.stat(path);
    if (!stat) return fail_because(stat.error(), "inspect the image", path, "check the path in the domain's definition");
    if (!stat->is_file && !stat->is_block_device)
        return fail(ErrorKind::invalid, "inspect the image", path, "it is neither a file nor a block device",
                    "name an image file or a block device");
    model::ImageFacts facts{.format = stated,
                            .virtual_bytes = stat->size_bytes,
                            .allocated_bytes = stat->is_block_device ? stat->size_bytes : stat->allocated_bytes,
                            .writable = (stat->mode & kWriteBits) != 0,
                            .fingerprint = fingerprint_of(*stat)};
    if (stated == model::ImageFormat::raw) return facts;
    if (const auto filled = fill_from_header(files_, path, facts); !filled) {
        if (filled.error().kind != ErrorKind::invalid) return std::unexpected(filled.error());
        return fail(ErrorKind::invalid, "inspect the image", path, "it is stated to be qcow2 and is not",
                    "state its true format in the domain's definition");
    }
    return facts;
}

Result<void> Qcow2Volume::create_overlay(const port::NewOverlay& overlay) {
    const ImgTask task{"create the overlay", overlay.path};
    STASIS_CHECK(check_path(task.attempted, overlay.path));
    STASIS_CHECK(check_path(task.attempted, overlay.backing_path));
    auto file = files_.create(overlay.path);
    if (!file) return fail_because(file.error(), task.attempted, task.subject);
    Undo remove([&] {
        (void)files_.remove_file(overlay.path);
        (void)files_.sync_folder(parent_folder(overlay.path));
    });
    STASIS_CHECK(fill_overlay(task, overlay, **file));
    remove.dismiss();
    return {};
}

Result<void> Qcow2Volume::fill_overlay(const ImgTask& task, const port::NewOverlay& overlay, seam::File& file) {
    // -u: the backing image is not opened, let alone probed.
    STASIS_CHECK(img_.run(task, {"create", "-q", "-f", "qcow2", "-u", "-b", overlay.backing_path, "-F",
                                 std::string(model::to_string(overlay.backing_format)), overlay.path,
                                 std::to_string(overlay.virtual_bytes)}));
    STASIS_TRY(const auto header, read_header_file(files_, overlay.path));
    if (header.virtual_bytes != overlay.virtual_bytes || header.backing_path != overlay.backing_path ||
        header.backing_format != model::to_string(overlay.backing_format))
        return fail(ErrorKind::failed, task.attempted, task.subject, "qemu-img wrote another header than it was told to");
    STASIS_CHECK(file.sync());
    return files_.sync_folder(parent_folder(overlay.path));
}

Result<codec::qcow2::Image> Qcow2Volume::open_target(const ImgTask& task, const std::string& path, const std::string& name) {
    STASIS_CHECK(check_path(task.attempted, path));
    if (name.empty() || name.size() > kInternalNameBytesMax || name.contains('\0'))
        return fail(ErrorKind::invalid, task.attempted, task.subject, "a name inside an image has 1 to 255 bytes",
                    "choose another name");
    auto layers = follow_headers(files_, path);  // qemu-img opens the backing images too: no format may be left to guess
    if (!layers) return fail_because(layers.error(), task.attempted, task.subject);
    STASIS_TRY(auto header, read_header_file(files_, path));
    if (std::ranges::count(header.snapshots, name, &codec::qcow2::Snapshot::name) > 1)
        return fail(ErrorKind::unsupported, task.attempted, task.subject, "two of its internal snapshots have that name",
                    "rename or delete one of them with qemu-img");
    return header;
}

Result<void> Qcow2Volume::snapshot_command(const ImgTask& task, const std::string& path, const std::string& verb,
                                           const std::string& which) {
    STASIS_CHECK(img_.run(task, {"snapshot", "-q", "--image-opts", verb, which,
                                 image_options(path, model::ImageFormat::qcow2)}));
    return sync_file(path);
}

Result<void> Qcow2Volume::create_internal(const std::string& path, const std::string& name) {
    const ImgTask task{"create internal snapshot '" + name + "'", path};
    STASIS_TRY(const auto header, open_target(task, path, name));
    if (find_name(header, name) != nullptr)
        return fail(ErrorKind::exists, task.attempted, task.subject, "the image has an internal snapshot of that name",
                    "choose another name");
    STASIS_CHECK(snapshot_command(task, path, "-c", name));
    STASIS_TRY(const auto after, read_header_file(files_, path));
    if (find_name(after, name) == nullptr)
        return fail(ErrorKind::failed, task.attempted, task.subject, "qemu-img said it did, but the image has none");
    return {};
}

Result<void> Qcow2Volume::apply_internal(const std::string& path, const std::string& name) {
    const ImgTask task{"apply internal snapshot '" + name + "'", path};
    STASIS_TRY(const auto header, open_target(task, path, name));
    const auto* snapshot = find_name(header, name);
    if (snapshot == nullptr)
        return fail(ErrorKind::not_found, task.attempted, task.subject, "the image has no internal snapshot of that name");
    // qemu-img -a takes ids before names. The id is unambiguous where a name may be another snapshot's id.
    if (std::ranges::count(header.snapshots, snapshot->id, &codec::qcow2::Snapshot::id) > 1)
        return fail(ErrorKind::corrupt, task.attempted, task.subject, "two internal snapshots have the id " + snapshot->id);
    return snapshot_command(task, path, "-a", snapshot->id);
}

Result<void> Qcow2Volume::delete_internal(const std::string& path, const std::string& name) {
    const ImgTask task{"delete internal snapshot '" + name + "'", path};
    STASIS_TRY(const auto header, open_target(task, path, name));
    const auto* snapshot = find_name(header, name);
    if (snapshot == nullptr) return {};
    // qemu-img -d looks for names only (7.2 to date); should another version take ids, the wrong one must not go.
    const auto id_like = std::ranges::find(header.snapshots, name, &codec::qcow2::Snapshot::id);
    if (id_like != header.snapshots.end() && id_like->name != name) {
        STASIS_CHECK(snapshot_command(task, path, "-d", name));
        STASIS_TRY(const auto after, read_header_file(files_, path));
        if (find_name(after, name) == nullptr && find_name(after, id_like->name) != nullptr) return {};
        return fail(ErrorKind::corrupt, task.attempted, task.subject,
                    "qemu-img took the name for the id of internal snapshot '" + id_like->name + "'", "restore the image");
    }
    return snapshot_command(task, path, "-d", name);
}

Result<void> Qcow2Volume::sync_file(const std::string& path) {
    STASIS_TRY(const auto file, files_.open_read(path));
    return file->sync();
}

}  // namespace stasis::storage
