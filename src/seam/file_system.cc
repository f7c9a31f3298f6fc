#include "seam/file_system.h"

#include <fmt/format.h>

#include "base/undo.h"

namespace stasis::seam {

namespace {

constexpr std::string_view kTemporarySuffix = ".new";

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// A temporary file that a killed process left behind is ours to replace: only one writer may hold the target's lock.
Result<std::unique_ptr<File>> create_anew(FileSystem& files, const std::string& path) {
    auto file = files.create(path);
    if (file || file.error().kind != ErrorKind::exists) return file;
    STASIS_CHECK(files.remove_file(path));
    return files.create(path);
}

Result<void> write_and_rename(FileSystem& files, const std::string& temporary, const std::string& path,
                              std::string_view content) {
    STASIS_TRY(auto file, create_anew(files, temporary));
    Undo undo([&] { (void)files.remove_file(temporary); });
    STASIS_CHECK(file->write_at(0, std::as_bytes(std::span(content))));
    STASIS_CHECK(file->sync());
    file.reset();
    STASIS_CHECK(files.rename(temporary, path));
    undo.dismiss();
    return files.sync_folder(folder_of(path));
}

}  // namespace

Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t limit_bytes) {
    STASIS_TRY(const auto file, files.open_read(path));
    STASIS_TRY(const auto size, file->size());
    const auto too_long = [&] {
        return fail(ErrorKind::invalid, "read", path, fmt::format("it is longer than {} bytes", limit_bytes));
    };
    if (size > limit_bytes) return too_long();
    std::string text(static_cast<std::size_t>(size) + 1, '\0');  // one more: notices a file that grows meanwhile
    STASIS_TRY(const auto count, file->read_at(0, std::as_writable_bytes(std::span(text))));
    if (count > limit_bytes) return too_long();
    text.resize(count);
    return text;
}

Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view content) {
    if (auto done = write_and_rename(files, path + std::string(kTemporarySuffix), path, content); !done)
        return fail_because(std::move(done).error(), "replace", path);
    return {};
}

}  // namespace stasis::seam
