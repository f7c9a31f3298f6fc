// The handle on one host: every use case of the program. Open it by URI; one Host per thread. Operations that
// change something take a RunMode and return what was (or would be) done; everything else only reads and never
// waits for a writer.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stasis/domain.h>
#include <stasis/progress.h>
#include <stasis/snapshot.h>
#include <stasis/types.h>

namespace stasis {

/// Where and how to open.
struct OpenOptions {
    std::string uri = "qemu:///";  ///< "qemu:///" or "fake:///"
    std::string root;              ///< state folder, absolute
    std::string command;           ///< what to tell others who wait for our lock: "snapshot-create web"
    std::optional<std::chrono::milliseconds> lock_wait;  ///< for another command on a domain; none: as configured (10 s)
};

/// How to run a changing operation.
struct RunMode {
    bool explain_only = false;            ///< --dry-run: plan and explain, change nothing
    ProgressSink* progress = nullptr;     ///< not owned; may be null
    const CancelToken* cancel = nullptr;  ///< not owned; may be null
};

/// A plan, explained for people and programs.
struct PlanReport {
    std::string operation;                ///< "snapshot-create"
    std::vector<std::string> steps;       ///< one sentence each, in order
    Bytes space;                          ///< most it may take on disk
    std::optional<std::int64_t> pause_us; ///< expected stand-still of the guest; none: guest is not running
    std::vector<std::string> notes;
};

/// What a changing operation did (or, explained only, would do).
template <class T>
struct Done {
    PlanReport plan;
    std::optional<T> value;  ///< absent when explain_only
};
struct Nothing {};

/// What an interrupted earlier operation became.
struct Recovered {
    std::string operation;  ///< "snapshot-create"
    std::string outcome;    ///< "finished" or "undone"
    std::string detail;
};

/// A definition read.
struct Defined {
    DomainSummary domain;
    std::vector<std::string> left_out;  ///< "line 12: <foo> in <devices>"
};

/// The notation of a definition.
enum class DefinitionSyntax { detect, xml, xlcfg };

/// Options of `define`.
struct DefineOptions {
    std::string text;           ///< the document
    std::string source;         ///< its file name, for messages; relative paths in it are relative to its folder
    DefinitionSyntax syntax = DefinitionSyntax::detect;
    bool lenient = false;
};

/// One --disk of `define-as`.
struct DefineDisk {
    std::string target;
    std::string path;
    std::string format = "qcow2";
    std::string bus = "virtio";
    bool read_only = false;
    std::string serial;
    std::string cache;
    std::string discard;
};

/// `define-as`: a definition from options.
struct DefineAsOptions {
    std::string name;
    std::string title;
    std::string description;
    Bytes memory{512ull << 20};
    std::uint32_t vcpus = 1;
    std::string machine;
    std::string kernel, initrd, cmdline;
    std::vector<DefineDisk> disks;
    std::vector<std::string> networks;   ///< "user", "bridge=br0", "tap=tap0"
    std::string serial;                  ///< "pty", "file:/path", "unix:/path"; empty: none
    std::string channel;                 ///< path of the guest agent's socket; empty: none
    std::string vnc;                     ///< path of the VNC socket; empty: none
    std::vector<std::string> qemu_args;
};

class Host {
public:
    static Result<std::unique_ptr<Host>> open(const OpenOptions& options);
    virtual ~Host() = default;

    // Reading. `domain` arguments are a name or a uuid.
    virtual Result<std::vector<DomainSummary>> list() = 0;
    virtual Result<DomainInfo> domain_info(const std::string& domain) = 0;
    virtual Result<std::string> dump_xml(const std::string& domain) = 0;
    virtual Result<std::vector<SnapshotInfo>> snapshot_list(const std::string& domain, const SnapshotListOptions&) = 0;
    virtual Result<SnapshotInfo> snapshot_info(const std::string& domain, const SnapshotName& name) = 0;
    virtual Result<std::string> snapshot_dump_xml(const std::string& domain, const SnapshotName& name) = 0;
    /// none: the domain has no current snapshot.
    virtual Result<std::optional<SnapshotInfo>> snapshot_current(const std::string& domain) = 0;

    // The life of a domain.
    virtual Result<Done<Defined>> define(const DefineOptions&, const RunMode&) = 0;
    virtual Result<Done<Defined>> define_as(const DefineAsOptions&, const RunMode&) = 0;
    virtual Result<Done<Nothing>> undefine(const std::string& domain, const RunMode&) = 0;
    /// Starts it; `paused` leaves the vCPUs stopped.
    virtual Result<Done<DomainSummary>> start(const std::string& domain, bool paused, const RunMode&) = 0;
    /// Asks the guest to power off; returns at once, or, with `wait` > 0, when it has or `busy` when it has not.
    virtual Result<Done<Nothing>> shutdown(const std::string& domain, std::chrono::milliseconds wait, const RunMode&) = 0;
    virtual Result<Done<Nothing>> destroy(const std::string& domain, const RunMode&) = 0;
    virtual Result<Done<Nothing>> suspend(const std::string& domain, const RunMode&) = 0;
    virtual Result<Done<Nothing>> resume(const std::string& domain, const RunMode&) = 0;

    virtual Result<Done<SnapshotCreated>> snapshot_create(const std::string& domain, const SnapshotCreateOptions&,
                                                          const RunMode&) = 0;
    virtual Result<Done<SnapshotReverted>> snapshot_revert(const std::string& domain, const SnapshotRevertOptions&,
                                                           const RunMode&) = 0;
    /// The names deleted.
    virtual Result<Done<std::vector<SnapshotName>>> snapshot_delete(const std::string& domain,
                                                                    const SnapshotDeleteOptions&, const RunMode&) = 0;
    /// Writes a plain QEMU migration stream of the snapshot's memory to `file_descriptor`; returns its length.
    virtual Result<Bytes> memory_export(const std::string& domain, const SnapshotName& name, int file_descriptor,
                                        const RunMode&) = 0;

    /// What this Host found interrupted and settled since it was opened.
    [[nodiscard]] virtual std::vector<Recovered> recovered() const = 0;
};

/// Settings of a snapshot request that a configuration file in xl's syntax holds; they win over `options`.
Result<SnapshotCreateOptions> apply_snapshot_config(std::string_view text, const std::string& source,
                                                    SnapshotCreateOptions options);

}  // namespace stasis
