#include <algorithm>

#include "engine/steps.h"

namespace stasis::engine {
namespace {

Result<bool> holds_internal(StepContext& context, const std::string& path, const std::string& name) {
    STASIS_TRY(const model::ImageFacts facts, context.ports().volume.inspect(path, model::ImageFormat::qcow2));
    return std::ranges::find(facts.internal_snapshots, name) != facts.internal_snapshots.end();
}

/// An internal snapshot of that name that somebody else made must not fall victim to our undo.
Result<void> refuse_internal(StepContext& context, const std::string& path, const std::string& name) {
    STASIS_TRY(const bool taken, holds_internal(context, path, name));
    if (taken)
        return fail(ErrorKind::exists, "create internal snapshot '" + name + "'", path,
                    "the image has an internal snapshot of that name", "choose another name");
    return {};
}

}  // namespace

Result<StepNote> before(StepContext& context, const plan::CreateOverlay& step) {
    STASIS_CHECK(refuse_taken(context, step.path));
    return StepNote{};
}

Result<void> apply(StepContext& context, const plan::CreateOverlay& step, StepNote&) {
    // A half-made one of an earlier run is ours: before() has seen to that, and nothing was written to it since.
    if (context.again) STASIS_CHECK(context.ports().files.remove_file(step.path));
    return context.ports().volume.create_overlay({step.path, step.virtual_bytes, step.backing_path, step.backing_format});
}

Result<void> undo(StepContext& context, const plan::CreateOverlay& step, const StepNote&) {
    return context.ports().files.remove_file(step.path);
}

Result<StepNote> before(StepContext& context, const plan::CreateInternal& step) {
    STASIS_CHECK(refuse_internal(context, step.path, step.name));
    return StepNote{};
}

Result<void> apply(StepContext& context, const plan::CreateInternal& step, StepNote&) {
    if (context.again) {
        STASIS_TRY(const bool there, holds_internal(context, step.path, step.name));
        if (there) return {};
    }
    return context.ports().volume.create_internal(step.path, step.name);
}

Result<void> undo(StepContext& context, const plan::CreateInternal& step, const StepNote&) {
    return context.ports().volume.delete_internal(step.path, step.name);
}

Result<StepNote> before(StepContext& context, const plan::ApplyInternal& step) {
    STASIS_CHECK(refuse_internal(context, step.path, step.safety));
    return StepNote{};
}

Result<void> apply(StepContext& context, const plan::ApplyInternal& step, StepNote&) {
    port::Volume& volume = context.ports().volume;
    STASIS_TRY(const bool kept, holds_internal(context, step.path, step.safety));
    if (!kept) STASIS_CHECK(volume.create_internal(step.path, step.safety));
    return volume.apply_internal(step.path, step.name);
}

Result<void> undo(StepContext& context, const plan::ApplyInternal& step, const StepNote&) {
    port::Volume& volume = context.ports().volume;
    STASIS_TRY(const bool kept, holds_internal(context, step.path, step.safety));
    if (!kept) return {};  // the image was never rewound, or is back already
    STASIS_CHECK(volume.apply_internal(step.path, step.safety));
    return volume.delete_internal(step.path, step.safety);
}

namespace {

/// Online, the guest may write to the base the moment it is active, and then the layers above hold stale data. The
/// note that says so is durable before the guest goes on (BlockGraph::on_switch).
Result<void> merge_online(StepContext& context, const plan::MergeDown& step, StepNote& note) {
    port::BlockGraph& blocks = context.ports().blocks;
    blocks.on_switch([&]() -> Result<void> {
        note.switched = true;
        return context.keep(note);
    });
    auto merged = blocks.merge_down(*step.guest, step.target, step.chain.front().id, step.chain.back().id,
                                    context.progress, context.cancel);
    blocks.on_switch({});
    STASIS_CHECK(merged);
    if (note.switched) return {};
    note.switched = true;  // it had happened before a tool died, or the driver does not tell
    return context.keep(note);
}

/// A merge that a tool left going on when it died: the next merge must not take it for its own, and captures wait for it.
Result<void> end_left_merge(StepContext& context, const plan::MergeDown& step) {
    if (!step.guest) return {};
    STASIS_TRY(const bool alive, guest_alive(context, *step.guest));
    return alive ? context.ports().blocks.abandon_merge(*step.guest, step.target) : Result<void>{};
}

/// A tool that died while the driver held the vCPUs over the switch has left the guest standing.
Result<void> release(StepContext& context, const plan::MergeDown& step, const StepNote& note) {
    if (!context.recovering || !step.guest || !note.was_running) return {};
    return run_again(context, *step.guest);
}

Result<void> merge(StepContext& context, const plan::MergeDown& step, StepNote& note) {
    if (step.chain.size() < 2 || note.switched) return {};
    if (step.guest) {
        STASIS_TRY(const bool alive, guest_alive(context, *step.guest));
        if (alive) return merge_online(context, step, note);
    }
    return context.ports().volume.merge_down(step.chain, context.progress, context.cancel);
}

}  // namespace

Result<StepNote> before(StepContext& context, const plan::MergeDown& step) {
    return step.guest ? note_running(context, *step.guest) : StepNote{};
}

Result<void> apply(StepContext& context, const plan::MergeDown& step, StepNote& note) {
    if (context.recovering) STASIS_CHECK(end_left_merge(context, step));
    STASIS_CHECK(merge(context, step, note));
    return release(context, step, note);
}

Result<void> undo(StepContext& context, const plan::MergeDown& step, const StepNote& note) {
    STASIS_CHECK(end_left_merge(context, step));
    return release(context, step, note);
}

Result<bool> is_done(StepContext& context, const plan::MergeDown& step, const StepNote& note) {
    if (step.chain.size() < 2 || note.switched) return true;
    if (!step.guest) return false;
    STASIS_TRY(const bool alive, guest_alive(context, *step.guest));
    if (!alive) return false;
    STASIS_CHECK(end_left_merge(context, step));  // first: while it goes on, the answer may change
    STASIS_TRY(const model::ActiveLayers active, context.ports().blocks.active_layers(*step.guest));
    const auto found = active.find(step.target);
    return found != active.end() && found->second == step.chain.back().id;
}

Result<void> apply(StepContext& context, const plan::DeleteInternal& step, StepNote&) {
    if (step.guest) {
        STASIS_TRY(const bool alive, guest_alive(context, *step.guest));
        if (alive) return context.ports().blocks.delete_internal(*step.guest, step.target, step.image, step.name);
    }
    return context.ports().volume.delete_internal(step.path, step.name);
}

}  // namespace stasis::engine
