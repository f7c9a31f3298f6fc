// For tests: a temporary folder with real images in it, made, written and read by qemu-img and qemu-io. Owns the
// folder and removes it. One thread.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "model/domain.h"
#include "seam/posix/posix.h"

namespace stasis::storage::test {

inline constexpr std::uint64_t kClusterBytes = 65'536;

class RealImages {
public:
    RealImages() : files_(seam::make_posix_file_system()), processes_(seam::make_posix_process_runner()) {
        std::string pattern = (std::filesystem::temp_directory_path() / "stasis-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
    }
    RealImages(const RealImages&) = delete;
    RealImages& operator=(const RealImages&) = delete;
    ~RealImages() {
        std::error_code ignored;
        if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
    }

    seam::FileSystem& files() { return *files_; }
    seam::ProcessRunner& processes() { return *processes_; }
    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] const std::string& folder() const { return folder_; }

    /// Standard output and error of a program that must succeed; the text begins with "FAILED" when it did not.
    std::string run(std::vector<std::string> argv) {
        const auto result = processes_->run({.argv = std::move(argv)});
        if (!result) return "FAILED: " + result.error().render();
        const std::string text = result->standard_output + result->standard_error;
        return result->exit_code == 0 ? text : "FAILED: " + text;
    }
    bool make(const std::string& where, model::ImageFormat format, std::uint64_t bytes) {
        return !run({"qemu-img", "create", "-q", "-f", name(format), where, std::to_string(bytes)}).starts_with("FAILED");
    }
    /// Fills one cluster of 64 KiB with a byte.
    bool write(const std::string& where, model::ImageFormat format, std::uint64_t cluster, unsigned value) {
        return io(where, format, "write -P " + std::to_string(value), cluster);
    }
    /// Whether that cluster holds that byte all over.
    bool holds(const std::string& where, model::ImageFormat format, std::uint64_t cluster, unsigned value) {
        return io(where, format, "read -P " + std::to_string(value), cluster);
    }

private:
    static std::string name(model::ImageFormat format) { return format == model::ImageFormat::raw ? "raw" : "qcow2"; }
    bool io(const std::string& where, model::ImageFormat format, const std::string& verb, std::uint64_t cluster) {
        const std::string command = verb + " " + std::to_string(cluster * kClusterBytes) + " " + std::to_string(kClusterBytes);
        const std::string said = run({"qemu-io", "-f", name(format), "-c", command, where});
        return !said.starts_with("FAILED") && !said.contains("verification failed") && !said.contains("failed:");
    }

    std::unique_ptr<seam::FileSystem> files_;
    std::unique_ptr<seam::ProcessRunner> processes_;
    std::string folder_;
};

}  // namespace stasis::storage::test
