// The durable truth on this host: domains, images, snapshots and the journal of running plans, in one SQLite file
// (WAL, synchronous=FULL). Every method is one transaction, durable on return. Readers never wait for a writer.
// One Catalog per thread; processes share the file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/guest.h"
#include "model/snapshot.h"

namespace stasis::catalog {

/// All that is kept of a domain beside its snapshots.
struct DomainRecord {
    DomainName name;
    Uuid uuid;
    std::string definition_xml;
    std::optional<model::GuestProcess> process;  ///< of the generation that is the domain; may have died since
    std::uint32_t next_generation = 1;
    std::string nvram;
    model::ImageGraph images;
    model::ActiveLayers active;
    std::vector<model::ImageId> left_behind;
    std::optional<SnapshotName> current_snapshot;
    std::uint32_t snapshot_count = 0;
};

enum class StepState { intended, done, undone };

/// One interrupted or running operation.
struct JournalEntry {
    std::int64_t id = 0;
    Uuid domain;
    std::string operation;
    std::string plan_text;
    UnixMicros started;
    struct Mark {
        std::size_t step = 0;
        StepState state = StepState::intended;
        std::string outcome;  ///< JSON of what the step measured; opaque here
    };
    std::vector<Mark> marks;  ///< last one per step, by step
};

class Catalog {
public:
    /// Opens or creates `path` (mode 0600). corrupt when the file fails its check or is of a newer schema. ":memory:" for tests.
    static Result<std::unique_ptr<Catalog>> open(const std::string& path);
    virtual ~Catalog() = default;

    // domains
    virtual Result<std::vector<DomainRecord>> domains() = 0;              ///< by name; without images and layers
    /// By name, or by uuid text. not_found otherwise.
    virtual Result<DomainRecord> domain(const std::string& name_or_uuid) = 0;
    /// Inserts, or replaces name, definition of the same uuid. exists: the name belongs to another uuid.
    virtual Result<void> put_domain(const DomainName& name, const Uuid& uuid, const std::string& definition_xml) = 0;
    virtual Result<void> remove_domain(const Uuid& uuid) = 0;             ///< with all that belongs to it; not there: fine
    virtual Result<void> set_process(const Uuid& uuid, const std::optional<model::GuestProcess>& process) = 0;
    /// Claims the next generation number for a launch; never given out twice.
    virtual Result<std::uint32_t> claim_generation(const Uuid& uuid) = 0;
    virtual Result<void> set_nvram(const Uuid& uuid, const std::string& path) = 0;
    /// Replaces images and active layers of a domain (used by define and by the three changes below in one transaction).
    struct LayerChange {
        std::vector<model::Image> put_images;
        std::vector<model::ImageId> remove_images;
        model::ActiveLayers active;                     ///< only the targets that change; image 0: no layer any more
        std::vector<model::ImageId> add_left_behind;
        std::optional<std::string> definition_xml;
        std::optional<std::optional<model::GuestProcess>> process;
        std::optional<std::optional<SnapshotName>> current;
        std::optional<std::string> nvram;
    };
    virtual Result<void> change_layers(const Uuid& uuid, const LayerChange& change) = 0;
    /// put_domain() and change_layers() in one transaction.
    virtual Result<void> define_domain(const DomainName& name, const Uuid& uuid, const std::string& definition_xml,
                                       const LayerChange& change) = 0;

    // snapshots
    virtual Result<model::SnapshotTree> snapshots(const Uuid& domain) = 0;
    /// Inserts or replaces the snapshot by name, applies `change` in the same transaction.
    virtual Result<void> put_snapshot(const Uuid& domain, const model::Snapshot& snapshot, const LayerChange& change) = 0;
    /// Removes them, re-parents survivors to the nearest surviving ancestor, applies `change`, one transaction. Absent: fine.
    virtual Result<void> remove_snapshots(const Uuid& domain, const std::vector<SnapshotName>& names,
                                          const LayerChange& change) = 0;

    // journal
    virtual Result<std::int64_t> begin_operation(const Uuid& domain, const std::string& operation,
                                                 const std::string& plan_text, UnixMicros now) = 0;
    virtual Result<void> mark_step(std::int64_t operation, std::size_t step, StepState state,
                                   const std::string& outcome) = 0;
    /// Several marks in one transaction: a step that is done and the next one that is intended cost one sync.
    virtual Result<void> mark_steps(std::int64_t operation, const std::vector<JournalEntry::Mark>& marks) = 0;
    /// Ends an operation: it is no longer open.
    virtual Result<void> end_operation(std::int64_t operation, const std::string& outcome, UnixMicros now) = 0;
    virtual Result<std::vector<JournalEntry>> open_operations(const std::optional<Uuid>& domain) = 0;

    // small facts worth keeping: probed machine types, whether KVM works
    virtual Result<std::optional<std::string>> cached(const std::string& key) = 0;
    virtual Result<void> cache(const std::string& key, const std::string& value) = 0;
};

}  // namespace stasis::catalog
