// Where a World is kept: in memory, or in a JSON file that several processes share. A change is made on a copy, under the
// file's lock, and saved as a whole (temporary name, sync, rename) or forgotten. One thread; readers never wait.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "hypervisor/fake/world.h"
#include "seam/file_system.h"

namespace stasis::fake {

class WorldStore {
public:
    WorldStore() = default;  ///< in memory
    /// The world in `path`; an empty one when there is no such file. `files` must outlive the store.
    static Result<std::unique_ptr<WorldStore>> open(seam::FileSystem& files, const std::string& path);

    /// Calls change(World&), which returns some Result; keeps what it did unless that is an error.
    template <class Change>
    auto change(Change&& change) -> decltype(change(std::declval<World&>())) {
        STASIS_TRY(const auto lock, lock_file());
        STASIS_CHECK(load());
        World next = world_;
        auto result = change(next);
        if (!result || next == world_) return result;
        STASIS_CHECK(save(next));
        world_ = std::move(next);
        return result;
    }
    /// Calls look(const World&), which returns some Result, on what is saved now.
    template <class Look>
    auto look(Look&& look) -> decltype(look(std::declval<const World&>())) {
        STASIS_CHECK(load());
        return look(std::as_const(world_));
    }

private:
    Result<std::unique_ptr<seam::FileLock>> lock_file();
    Result<void> load();
    Result<void> save(const World& world);

    seam::FileSystem* files_ = nullptr;
    std::string path_;
    std::string loaded_;  ///< the text that world_ came from
    World world_;
};

}  // namespace stasis::fake
