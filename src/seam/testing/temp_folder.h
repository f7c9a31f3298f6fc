// A folder of the host that a test may fill, removed with all that is in it. One thread.
#pragma once

#include <string>

namespace stasis::seam {

class TempFolder {
public:
    TempFolder();  ///< traps when there is no place for it: no test could go on
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder();

    [[nodiscard]] const std::string& path() const { return path_; }
    /// path() + "/" + name.
    [[nodiscard]] std::string at(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace stasis::seam
