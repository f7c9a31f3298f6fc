// The fields of every step and of the values inside steps, once, as tables of names and member pointers: the journal
// reads and writes by them. Internal to this room. A step without a table does not compile. Constants; any thread.
#pragma once

#include <tuple>

#include "plan/step.h"

namespace stasis::plan {

template <class Owner, class Member>
struct Field {
    const char* name;
    Member Owner::*member;
};
template <class Owner, class Member>
constexpr Field<Owner, Member> field(const char* name, Member Owner::*member) {
    return {name, member};
}

template <class T>
inline constexpr int kFields = 0;  // specialised below for each struct with fields

// F(x): the member x of the struct, under its own name in the journal.
#define STASIS_FIELDS(type, ...)                              \
    template <>                                               \
    inline constexpr auto kFields<type> = [] {                \
        using T = type;                                       \
        return std::tuple{__VA_ARGS__};                       \
    }();
#define F(x) field(#x, &T::x)

// ---- values of the model ----
STASIS_FIELDS(model::GuestRef, F(domain), F(generation))
STASIS_FIELDS(model::ChainImage, F(id), F(path), F(format))
STASIS_FIELDS(model::AttachedDisk, F(target), F(chain))
STASIS_FIELDS(model::Overlay, F(target), F(image), F(backing))
STASIS_FIELDS(model::DiskCapture, F(target), F(mode), F(active), F(overlay), F(internal_name))
STASIS_FIELDS(model::MemoryCapture, F(path), F(method), F(compression))
STASIS_FIELDS(model::Fingerprint, F(size_bytes), F(modified_ns), F(inode))
STASIS_FIELDS(model::Image, F(id), F(target), F(path), F(format), F(virtual_bytes), F(backing), F(made_by_stasis), F(frozen))
STASIS_FIELDS(model::DiskState, F(target), F(mode), F(image), F(internal_name))
STASIS_FIELDS(model::MemoryState, F(method), F(path), F(file_bytes), F(guest_bytes))
STASIS_FIELDS(model::Snapshot, F(name), F(parent), F(created), F(state), F(description), F(folder), F(disks), F(memory),
              F(definition_xml), F(machine), F(hypervisor_version), F(nvram_copy), F(pause_us))

// ---- steps ----
STASIS_FIELDS(MakeFolder, F(path))
STASIS_FIELDS(CopyFile, F(from), F(to))
STASIS_FIELDS(RemoveFile, F(path))
STASIS_FIELDS(RemoveFolder, F(path))
STASIS_FIELDS(CreateOverlay, F(target), F(path), F(virtual_bytes), F(backing_path), F(backing_format))
STASIS_FIELDS(CreateInternal, F(target), F(path), F(name))
STASIS_FIELDS(ApplyInternal, F(target), F(path), F(name), F(safety))
STASIS_FIELDS(OpenOverlays, F(guest), F(overlays))
STASIS_FIELDS(CaptureInstant, F(guest), F(disks), F(overlays), F(bases), F(memory), F(was_running))
STASIS_FIELDS(CompleteMemory, F(guest), F(path))
STASIS_FIELDS(PauseGuest, F(guest))
STASIS_FIELDS(ResumeGuest, F(guest))
STASIS_FIELDS(ParkGuest, F(guest), F(was_running))
STASIS_FIELDS(LaunchGuest, F(guest), F(definition_xml), F(disks), F(nvram), F(await_memory), F(replaces_running))
STASIS_FIELDS(LoadMemory, F(guest), F(path))
STASIS_FIELDS(RequestShutdown, F(guest))
STASIS_FIELDS(KillGuest, F(guest))
STASIS_FIELDS(MergeDown, F(guest), F(target), F(chain))
STASIS_FIELDS(DeleteInternal, F(guest), F(target), F(image), F(path), F(name))
STASIS_FIELDS(RecordDomain, F(definition_xml), F(images), F(active))
STASIS_FIELDS(ForgetDomain, F(domain))
STASIS_FIELDS(RecordGuest, F(guest), F(running))
STASIS_FIELDS(RecordSnapshot, F(domain), F(snapshot), F(new_layers))
STASIS_FIELDS(RecordRevert, F(guest), F(running), F(snapshot), F(definition_xml), F(new_layers), F(active), F(left_behind),
              F(nvram))
STASIS_FIELDS(RecordDelete, F(domain), F(snapshots), F(removed_images), F(active), F(change_current), F(current))

STASIS_FIELDS(Plan, F(operation), F(domain), F(title), F(steps), F(commit_from), F(space), F(pause_us), F(notes))

#undef F
#undef STASIS_FIELDS

}  // namespace stasis::plan
