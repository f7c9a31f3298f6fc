// A whole host in memory for the tests of this room: images as blocks over backing images, guests that write whenever
// they run, plain files, a catalog. It counts every effect and can fail it, or "kill" the tool just before or after it
// by throwing Killed. Owned by one test; one thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/executor.h"

namespace stasis::engine::testing {

/// The tool dies here. Nothing of ours catches it: no exception of ours exists.
struct Killed {};

using Blocks = std::map<int, int>;
struct TestImage {
    std::string backing;
    Blocks blocks;
    std::map<std::string, Blocks> internals;
};
struct TestGuest {
    DomainState state = DomainState::paused;
    bool parked = false;
    int memory = 0;      ///< what it wrote last, to block 0 of every disk
    std::map<DiskTarget, model::ChainImage> disks;
    std::map<std::uint32_t, model::ChainImage> opened;
    std::set<DiskTarget> merging;  ///< a merge goes on, perhaps without the tool that began it
    bool without_images = false;   ///< a cut capture has taken them away: give them back by pause or resume first
};

class TestHost final : public port::Lifecycle, public port::InstantCapture, public port::BlockGraph, public port::Volume,
                       public port::StateFiles {
public:
    TestHost();
    ~TestHost() override;
    [[nodiscard]] EngineParts parts();
    [[nodiscard]] catalog::Catalog& catalog();           ///< with faults
    [[nodiscard]] catalog::Catalog& real_catalog() { return *catalog_; }

    // faults
    int kill_at = 0;         ///< the how manieth moment before or after an effect kills the tool; 0: none
    int fail_at = 0;         ///< the how manieth effect of a port fails; 0: none
    int fail_catalog_at = 0; ///< the how manieth write of the catalog fails; 0: none
    bool fail_on = false;    ///< and so do all after it
    std::set<std::string> fail_names;  ///< effects of these names fail, as often as they are tried
    bool fail_late = false;  ///< it has happened all the same, where the port's contract allows that
    void revive();           ///< the next command begins: no more faults
    void guests_die();
    void guests_work();      ///< running guests write once to every disk
    bool dead = false;       ///< the tool is killed: nothing it destroys has an effect any more
    std::vector<std::string> log;

    // the world
    std::map<std::string, TestImage> images;
    std::map<std::string, std::string> files;
    std::set<std::string> folders;
    std::map<std::uint32_t, TestGuest> guests;           ///< by generation
    int counter = 0;
    [[nodiscard]] int read(const std::string& path, int block) const;  ///< through its backing images
    [[nodiscard]] std::string structure(bool with_guests);  ///< all but what guests wrote, as text
    [[nodiscard]] std::string lost_writes();                ///< empty: what the recorded guest wrote is where it should be

    Result<model::GuestProcess> launch(const port::LaunchRequest& request) override;
    Result<model::GuestStatus> status(const model::GuestRef& guest) override;
    Result<void> pause(const model::GuestRef& guest) override;
    Result<UnixMicros> resume(const model::GuestRef& guest) override;
    Result<void> park(const model::GuestRef& guest) override;
    Result<port::RestoreReport> load_memory(const model::GuestRef& guest, const std::string& path, ProgressSink*,
                                            const CancelToken*) override;
    Result<void> request_shutdown(const model::GuestRef& guest) override;
    Result<void> kill(const model::GuestRef& guest) override;
    Result<std::string> resolve_machine(const std::string&, const std::string&, const std::string&) override;

    Result<model::MemoryAbility> memory_ability(const model::GuestRef& guest) override;
    Result<void> open_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) override;
    Result<void> close_overlays(const model::GuestRef& guest, const std::vector<model::Overlay>& overlays) override;
    Result<std::unique_ptr<port::CaptureSession>> capture(const port::CaptureRequest& request) override;
    Result<void> abandon(const model::GuestRef& guest) override;

    Result<model::ActiveLayers> active_layers(const model::GuestRef& guest) override;
    Result<void> merge_down(const model::GuestRef& guest, const DiskTarget& target, model::ImageId top, model::ImageId base,
                            ProgressSink*, const CancelToken*) override;
    void on_switch(std::function<Result<void>()> call) override { switched_ = std::move(call); }
    Result<void> abandon_merge(const model::GuestRef& guest, const DiskTarget& target) override;
    Result<void> delete_internal(const model::GuestRef& guest, const DiskTarget& target, model::ImageId image,
                                 const std::string& name) override;

    Result<model::ImageFacts> inspect(const std::string& path, model::ImageFormat stated) override;
    Result<void> create_overlay(const port::NewOverlay& overlay) override;
    Result<void> create_internal(const std::string& path, const std::string& name) override;
    Result<void> apply_internal(const std::string& path, const std::string& name) override;
    Result<void> delete_internal(const std::string& path, const std::string& name) override;
    Result<void> merge_down(const std::vector<model::Image>& chain, ProgressSink*, const CancelToken*) override;

    Result<bool> make_folder(const std::string& path) override;
    Result<void> remove_folder(const std::string& path) override;
    Result<void> remove_file(const std::string& path) override;
    Result<void> copy_file(const std::string& from, const std::string& to) override;
    Result<bool> exists(const std::string& path) override;
    Result<std::uint64_t> free_bytes(const std::string&) override { return 1ull << 40; }

    void tick();                                         ///< one moment at which the tool may die
    Result<void> effect(const std::string& name, bool may_fail_late, const std::function<Result<void>()>& body);
    Result<void> fold(const std::string& top, const std::string& base);

private:
    Result<TestGuest*> alive(const model::GuestRef& guest);
    Result<TestGuest*> with_images(const model::GuestRef& guest);  ///< and nothing going on with them
    Result<void> switch_to_base(TestGuest& guest, const DiskTarget& target, model::ImageId top, model::ImageId base);
    std::unique_ptr<catalog::Catalog> catalog_;
    std::unique_ptr<catalog::Catalog> faulty_;
    std::function<Result<void>()> switched_;
    int ticks_ = 0;
    int effects_ = 0;
};

}  // namespace stasis::engine::testing
