// The closed list of things that Stasis can do to a host. A Step is plain data: it can be written to the journal
// (journal_text.h), explained to a person (describe()), applied, asked whether it is done, and undone
// (engine/step_runner). A Plan is a list of steps with the point from which it can only go forward.
// Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <stasis/host.h>

#include "model/capture.h"
#include "model/guest.h"
#include "model/snapshot.h"

namespace stasis::plan {

// ---- files ----
struct MakeFolder { std::string path; bool operator==(const MakeFolder&) const = default; };
struct CopyFile { std::string from, to; bool operator==(const CopyFile&) const = default; };
struct RemoveFile { std::string path; bool operator==(const RemoveFile&) const = default; };
struct RemoveFolder { std::string path; bool operator==(const RemoveFolder&) const = default; };

// ---- images that no guest has open ----
/// Undo removes the file.
struct CreateOverlay {
    DiskTarget target;
    std::string path;
    std::uint64_t virtual_bytes = 0;
    std::string backing_path;
    model::ImageFormat backing_format = model::ImageFormat::qcow2;
    bool operator==(const CreateOverlay&) const = default;
};
/// Undo deletes the internal snapshot.
struct CreateInternal { DiskTarget target; std::string path, name; bool operator==(const CreateInternal&) const = default; };
/// Rewinds an image to an internal snapshot, having kept its present state as internal snapshot `safety`.
/// Undo rewinds to `safety` and deletes it.
struct ApplyInternal {
    DiskTarget target;
    std::string path, name, safety;
    bool operator==(const ApplyInternal&) const = default;
};

// ---- a running guest ----
/// Undo closes them.
struct OpenOverlays {
    model::GuestRef guest;
    std::vector<model::Overlay> overlays;
    bool operator==(const OpenOverlays&) const = default;
};
/// Pause, switch all disks in one transaction, arm write tracking, resume. ONE step. Undo folds the overlays back
/// into the layers below them (a guest may have written to them), deletes internal snapshots, and lets the guest
/// run if it ran.
struct CaptureInstant {
    model::GuestRef guest;
    std::vector<model::DiskCapture> disks;
    std::vector<model::Image> overlays;  ///< the new active layers, for folding back
    std::vector<model::Image> bases;     ///< the layers active before, same order of target
    std::optional<model::MemoryCapture> memory;
    bool was_running = true;
    bool operator==(const CaptureInstant&) const = default;
};
/// Waits until memory has streamed out and its file is sealed. Undo removes the file.
struct CompleteMemory { model::GuestRef guest; std::string path; bool operator==(const CompleteMemory&) const = default; };
struct PauseGuest { model::GuestRef guest; bool operator==(const PauseGuest&) const = default; };
/// Undo pauses it.
struct ResumeGuest { model::GuestRef guest; bool operator==(const ResumeGuest&) const = default; };
/// Stops the guest and makes it give up its images. Undo lets it run if it ran.
struct ParkGuest { model::GuestRef guest; bool was_running = true; bool operator==(const ParkGuest&) const = default; };
/// Undo kills the new process.
struct LaunchGuest {
    model::GuestRef guest;
    std::string definition_xml;
    std::vector<model::AttachedDisk> disks;
    std::string nvram;
    bool await_memory = false;
    bool replaces_running = false;
    bool operator==(const LaunchGuest&) const = default;
};
struct LoadMemory { model::GuestRef guest; std::string path; bool operator==(const LoadMemory&) const = default; };
struct RequestShutdown { model::GuestRef guest; bool operator==(const RequestShutdown&) const = default; };
/// Ends a guest process. No undo.
struct KillGuest { model::GuestRef guest; bool operator==(const KillGuest&) const = default; };
/// Folds `chain` (top first, base last) into its base; online when `guest` is set. No undo: cancelled or failed, the
/// chain is as it was.
struct MergeDown {
    std::optional<model::GuestRef> guest;
    DiskTarget target;
    std::vector<model::Image> chain;
    bool operator==(const MergeDown&) const = default;
};
/// Online when `guest` is set. No undo.
struct DeleteInternal {
    std::optional<model::GuestRef> guest;
    DiskTarget target;
    model::ImageId image;
    std::string path, name;
    bool operator==(const DeleteInternal&) const = default;
};

// ---- the catalog: each is one transaction and idempotent ----
/// The definition, the images of its disks that were read when it was planned, and which of them are active.
/// The engine records just this; it reads no image.
struct RecordDomain {
    std::string definition_xml;
    std::vector<model::Image> images;   ///< inserted or replaced by id
    model::ActiveLayers active;         ///< disks whose active layer changes
    bool operator==(const RecordDomain&) const = default;
};
struct ForgetDomain { Uuid domain; bool operator==(const ForgetDomain&) const = default; };
/// Records the process that LaunchGuest of this plan started, or, with running=false, that there is none.
struct RecordGuest { model::GuestRef guest; bool running = true; bool operator==(const RecordGuest&) const = default; };
/// Adds the snapshot, makes it current, makes `new_layers` the active ones. Measured values of this plan's
/// CaptureInstant and CompleteMemory are filled in.
struct RecordSnapshot {
    Uuid domain;
    model::Snapshot snapshot;
    std::vector<model::Image> new_layers;
    bool operator==(const RecordSnapshot&) const = default;
};
/// After a revert: active layers, left-behind ones, current snapshot, definition and process.
struct RecordRevert {
    model::GuestRef guest;              ///< new generation; running tells whether there is a process
    bool running = false;
    SnapshotName snapshot;
    std::string definition_xml;
    std::vector<model::Image> new_layers;
    model::ActiveLayers active;         ///< all disks
    std::vector<model::ImageId> left_behind;  ///< added to those kept already
    std::string nvram;                  ///< variable store from now on; empty: none
    bool operator==(const RecordRevert&) const = default;
};
/// Removes snapshots, gives their children their nearest surviving ancestor, drops images, sets active layers.
struct RecordDelete {
    Uuid domain;
    std::vector<SnapshotName> snapshots;
    std::vector<model::ImageId> removed_images;
    model::ActiveLayers active;         ///< disks whose active layer changes
    bool change_current = false;
    std::optional<SnapshotName> current;  ///< the new current snapshot, when change_current
    bool operator==(const RecordDelete&) const = default;
};

using Step = std::variant<MakeFolder, CopyFile, RemoveFile, RemoveFolder, CreateOverlay, CreateInternal, ApplyInternal,
                          OpenOverlays, CaptureInstant, CompleteMemory, PauseGuest, ResumeGuest, ParkGuest, LaunchGuest,
                          LoadMemory, RequestShutdown, KillGuest, MergeDown, DeleteInternal, RecordDomain, ForgetDomain,
                          RecordGuest, RecordSnapshot, RecordRevert, RecordDelete>;

struct Plan {
    std::string operation;          ///< the verb: "snapshot-create"
    Uuid domain;
    std::string title;              ///< "take snapshot 'a' of domain 'web'": becomes Error::attempted
    std::vector<Step> steps;
    /// Index of the step that commits. Until that step has taken effect (is_done) a failure or interruption undoes
    /// everything; from then on the plan is finished. A failing commit step that is not done is thus undone too.
    /// steps.size(): always undone.
    std::size_t commit_from = 0;
    Bytes space;                    ///< most it may take
    std::optional<std::int64_t> pause_us;  ///< expected
    std::vector<std::string> notes;
    bool operator==(const Plan&) const = default;
};

/// One sentence for a person: "create overlay /x/vda_a.qcow2 on /x/web.qcow2 (10 GiB)".
[[nodiscard]] std::string describe(const Step& step);
/// The variant's name: "CreateOverlay".
[[nodiscard]] std::string_view step_name(const Step& step);
[[nodiscard]] PlanReport report(const Plan& plan);

}  // namespace stasis::plan
