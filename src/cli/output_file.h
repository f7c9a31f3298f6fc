// A file that appears under its name only when it is complete: private, synced, never over another. Owns its
// descriptor and, until finished, its temporary file; one thread.
#pragma once

#include <string>

#include <stasis/error.h>

namespace stasis::cli {

class OutputFile {
public:
    /// `exists` when something is there already; a pipe or a device is written to directly.
    static Result<OutputFile> create(const std::string& path);
    /// Only the check that create() makes.
    static Result<void> check(const std::string& path);
    OutputFile(OutputFile&& other) noexcept;
    OutputFile& operator=(OutputFile&&) = delete;
    ~OutputFile();

    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// Syncs it and gives it its name.
    Result<void> finish();

private:
    OutputFile(std::string path, std::string temporary, int descriptor)
        : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

    std::string path_;
    std::string temporary_;  ///< empty: none to remove or rename
    int descriptor_ = -1;
};

}  // namespace stasis::cli
