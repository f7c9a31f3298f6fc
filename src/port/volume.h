// What the engine needs from storage: images that no guest has open, and the plain files and folders beside them.
// Bodies: storage/ for real files, hypervisor/fake for the world in memory. Called from one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <stasis/progress.h>

#include "base/result.h"
#include "model/image_facts.h"
#include "model/image_graph.h"

namespace stasis::port {

struct NewOverlay {
    std::string path;
    std::uint64_t virtual_bytes = 0;
    std::string backing_path;
    model::ImageFormat backing_format = model::ImageFormat::qcow2;
};

/// Images.
class Volume {
public:
    virtual ~Volume() = default;
    /// not_found, corrupt (header), invalid (the stated format is not what is there).
    virtual Result<model::ImageFacts> inspect(const std::string& path, model::ImageFormat stated) = 0;
    /// Makes an empty qcow2 of mode 0600, synced, folder synced. exists when the path is taken.
    virtual Result<void> create_overlay(const NewOverlay& overlay) = 0;
    virtual Result<void> create_internal(const std::string& path, const std::string& name) = 0;
    virtual Result<void> apply_internal(const std::string& path, const std::string& name) = 0;
    /// Not there: fine.
    virtual Result<void> delete_internal(const std::string& path, const std::string& name) = 0;
    /// Folds `top` and everything between into `base`; `top` stays as a file. `chain` is top first, base last.
    virtual Result<void> merge_down(const std::vector<model::Image>& chain, ProgressSink* progress,
                                    const CancelToken* cancel) = 0;
};

/// Plain files and folders of a snapshot.
class StateFiles {
public:
    virtual ~StateFiles() = default;
    /// 0700, with missing parents. Returns whether it was made now.
    virtual Result<bool> make_folder(const std::string& path) = 0;
    /// Not there, or not empty: fine.
    virtual Result<void> remove_folder(const std::string& path) = 0;
    /// Not there: fine. Syncs the folder.
    virtual Result<void> remove_file(const std::string& path) = 0;
    /// 0600, complete or not there.
    virtual Result<void> copy_file(const std::string& from, const std::string& to) = 0;
    virtual Result<bool> exists(const std::string& path) = 0;
    virtual Result<std::uint64_t> free_bytes(const std::string& folder) = 0;  ///< of the nearest existing parent
};

}  // namespace stasis::port
