// The rules of the fake host, over World: which paths exist, who may open what, how writes fall into layers. Every
// function leaves the world unfinished on error; the store then forgets the change. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hypervisor/fake/world.h"

namespace stasis::fake {

/// fake:/// has no files: a path that nobody has told it about is an existing, empty image, unless its name holds
/// "missing", it was removed, or it lies in a folder that was made here.
[[nodiscard]] bool exists_untold(const World& world, const std::string& path);
/// Known, or exists_untold().
[[nodiscard]] bool image_exists(const World& world, const std::string& path);
/// The image at `path` as a value; not_found; invalid when it is of another format than stated.
Result<Image> look_at(const World& world, const std::string& path, model::ImageFormat stated);
/// The same, made known to the world, to be changed.
Result<Image*> take_image(World& world, const std::string& path, model::ImageFormat stated);
/// The folder of `path` and the path itself are ready for a new file: not_found, exists, no_space.
Result<void> may_create(const World& world, const std::string& path, std::uint64_t bytes, std::string_view attempted);

Result<Guest*> find_guest(World& world, const model::GuestRef& guest, std::string_view attempted);
Result<GuestDisk*> find_guest_disk(Guest& guest, const DiskTarget& target, std::string_view attempted);
/// busy while a merge goes on in it, as images under a job are for a hypervisor.
Result<void> refuse_merging(const Guest& guest, std::string_view attempted);
[[nodiscard]] std::string subject_of(const model::GuestRef& guest);

/// busy when a guest other than `by` that is not parked has it open in a way that forbids the use.
enum class Use { read, write };
Result<void> may_use(const World& world, const std::string& path, Use use, const std::optional<model::GuestRef>& by);
/// All images of a guest's disks: the active layer for writing, the others for reading. not_found, busy, corrupt.
Result<void> open_disks(World& world, const model::GuestRef& ref, const std::vector<GuestDisk>& disks);

/// Notes a write into `path`; images outside `chain` that build on it show something else from now on.
void note_write(World& world, const std::string& path, const std::vector<std::string>& chain);
[[nodiscard]] std::uint64_t read_cluster(const World& world, const std::string& path, std::uint64_t cluster);
/// Folds all images above the last one into it. corrupt when they do not build on each other as listed.
Result<void> merge_images(World& world, const std::vector<std::string>& chain);

Result<void> add_internal(World& world, const std::string& path, const std::string& name);
Result<void> apply_internal(World& world, const std::string& path, const std::string& name);
Result<void> drop_internal(World& world, const std::string& path, const std::string& name);

}  // namespace stasis::fake
