#include "seam/testing/temp_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace stasis::seam {

TempFolder::TempFolder() {
    std::error_code error;
    const auto base = std::filesystem::temp_directory_path(error);
    std::string pattern = (error ? std::filesystem::path("/tmp") : base) / "stasis-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) __builtin_trap();
    path_ = pattern;
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace stasis::seam
