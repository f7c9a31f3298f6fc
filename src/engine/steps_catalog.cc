#include <algorithm>

#include "engine/steps.h"
#include "model/xml/domain_xml.h"

namespace stasis::engine {
namespace {

using LayerChange = catalog::Catalog::LayerChange;

Result<model::Domain> parse(const std::string& definition_xml) {
    STASIS_TRY(model::ParsedDomain parsed, model::domain_from_xml(definition_xml, "the definition", {}));
    return std::move(parsed.domain);
}

/// None: there is no such domain.
Result<std::optional<catalog::DomainRecord>> find_domain(StepContext& context, const Uuid& uuid) {
    auto record = context.parts.catalog.domain(uuid.str());
    if (record) return *std::move(record);
    if (record.error().kind == ErrorKind::not_found) return std::nullopt;
    return std::unexpected(std::move(record).error());
}

Result<void> define(StepContext& context, const std::string& definition_xml, const LayerChange& change) {
    STASIS_TRY(const model::Domain domain, parse(definition_xml));
    return context.parts.catalog.define_domain(domain.name, domain.uuid, definition_xml, change);
}

bool contains(const model::ActiveLayers& all, const model::ActiveLayers& some) {
    return std::ranges::all_of(some, [&](const auto& layer) {
        const auto found = all.find(layer.first);
        return found == all.end() ? layer.second.value == 0 : found->second == layer.second;
    });
}

/// The process of this plan's LaunchGuest, when `running`.
Result<std::optional<model::GuestProcess>> process_of(const StepContext& context, bool running) {
    if (!running) return std::nullopt;
    if (context.outcome.process) return context.outcome.process;
    return fail(ErrorKind::failed, "record the running guest", {}, "this plan has started none");
}

/// The images that the snapshot has just frozen, with what tells later whether somebody touched them.
Result<std::vector<model::Image>> frozen_images(StepContext& context, const plan::RecordSnapshot& step) {
    STASIS_TRY(const catalog::DomainRecord record, context.parts.catalog.domain(step.domain.str()));
    std::vector<model::Image> frozen;
    for (const model::DiskState& disk : step.snapshot.disks) {
        if (disk.mode != DiskMode::external) continue;
        const model::Image* known = record.images.find(disk.image);
        if (!known)
            return fail(ErrorKind::corrupt, "record a snapshot", "image " + std::to_string(disk.image.value),
                        "the catalog does not know it");
        auto facts = context.ports().volume.inspect(known->path, known->format);
        if (!facts) {
            context.note("cannot tell later whether " + known->path + " was changed: " + facts.error().render());
            continue;
        }
        model::Image image = *known;
        image.frozen = facts->fingerprint;
        frozen.push_back(std::move(image));
    }
    return frozen;
}

void fill_measured(model::Snapshot& snapshot, const Outcome& outcome) {
    if (!outcome.capture) return;
    snapshot.pause_us = outcome.capture->pause_us;
    if (snapshot.memory.method == MemoryMethod::none) return;
    if (outcome.capture->method != MemoryMethod::none) snapshot.memory.method = outcome.capture->method;
    snapshot.memory.file_bytes = outcome.capture->memory_file_bytes;
    snapshot.memory.guest_bytes = outcome.capture->memory_guest_bytes;
}

/// Layers that become active will be written to: what their fingerprint said of them ends.
Result<void> thaw(StepContext& context, const Uuid& domain, const model::ActiveLayers& active, LayerChange& change) {
    if (active.empty()) return {};
    STASIS_TRY(const catalog::DomainRecord record, context.parts.catalog.domain(domain.str()));
    for (const auto& [target, id] : active) {
        const model::Image* known = record.images.find(id);
        if (!known || !known->frozen) continue;
        change.put_images.push_back(*known);
        change.put_images.back().frozen.reset();
    }
    return {};
}

}  // namespace

// ---- RecordDomain ----
Result<StepNote> before(StepContext& context, const plan::RecordDomain& step) {
    STASIS_TRY(const model::Domain domain, parse(step.definition_xml));
    STASIS_TRY(const auto known, find_domain(context, domain.uuid));
    StepNote note;
    note.existed = known.has_value();
    if (known) note.previous = known->definition_xml;
    return note;
}

Result<void> apply(StepContext& context, const plan::RecordDomain& step, StepNote&) {
    LayerChange change;
    change.put_images = step.images;
    change.active = step.active;
    return define(context, step.definition_xml, change);
}

/// What was learnt of the images of a domain that existed before stays known: it is true either way.
Result<void> undo(StepContext& context, const plan::RecordDomain& step, const StepNote& note) {
    if (note.existed) return define(context, note.previous, {});
    STASIS_TRY(const model::Domain domain, parse(step.definition_xml));
    return context.parts.catalog.remove_domain(domain.uuid);
}

Result<bool> is_done(StepContext& context, const plan::RecordDomain& step, const StepNote&) {
    STASIS_TRY(const model::Domain domain, parse(step.definition_xml));
    STASIS_TRY(const auto known, find_domain(context, domain.uuid));
    return known && known->definition_xml == step.definition_xml && contains(known->active, step.active);
}

// ---- ForgetDomain ----
Result<void> apply(StepContext& context, const plan::ForgetDomain& step, StepNote&) {
    return context.parts.catalog.remove_domain(step.domain);
}

Result<bool> is_done(StepContext& context, const plan::ForgetDomain& step, const StepNote&) {
    STASIS_TRY(const auto known, find_domain(context, step.domain));
    return !known;
}

// ---- RecordGuest ----
Result<void> apply(StepContext& context, const plan::RecordGuest& step, StepNote&) {
    STASIS_TRY(const auto process, process_of(context, step.running));
    return context.parts.catalog.set_process(step.guest.domain, process);
}

Result<void> undo(StepContext& context, const plan::RecordGuest& step, const StepNote&) {
    return context.parts.catalog.set_process(step.guest.domain, std::nullopt);
}

Result<bool> is_done(StepContext& context, const plan::RecordGuest& step, const StepNote&) {
    STASIS_TRY(const auto process, process_of(context, step.running));
    STASIS_TRY(const auto known, find_domain(context, step.guest.domain));
    return known && known->process == process;
}

// ---- RecordSnapshot ----
Result<void> apply(StepContext& context, const plan::RecordSnapshot& step, StepNote&) {
    model::Snapshot snapshot = step.snapshot;
    fill_measured(snapshot, context.outcome);
    LayerChange change;
    STASIS_TRY(change.put_images, frozen_images(context, step));
    for (const model::Image& layer : step.new_layers) {
        change.put_images.push_back(layer);
        change.active[layer.target] = layer.id;
    }
    change.current = snapshot.name;
    return context.parts.catalog.put_snapshot(step.domain, snapshot, change);
}

Result<bool> is_done(StepContext& context, const plan::RecordSnapshot& step, const StepNote&) {
    STASIS_TRY(const model::SnapshotTree tree, context.parts.catalog.snapshots(step.domain));
    const model::Snapshot* found = tree.find(step.snapshot.name);
    return found && found->created == step.snapshot.created && found->disks == step.snapshot.disks;
}

// ---- RecordRevert ----
Result<void> apply(StepContext& context, const plan::RecordRevert& step, StepNote&) {
    LayerChange change;
    STASIS_TRY(change.process, process_of(context, step.running));
    change.put_images = step.new_layers;
    change.active = step.active;
    change.add_left_behind = step.left_behind;
    change.definition_xml = step.definition_xml;
    change.current = step.snapshot;
    change.nvram = step.nvram;
    return context.parts.catalog.change_layers(step.guest.domain, change);
}

Result<bool> is_done(StepContext& context, const plan::RecordRevert& step, const StepNote&) {
    STASIS_TRY(const auto process, process_of(context, step.running));
    STASIS_TRY(const auto known, find_domain(context, step.guest.domain));
    // Reverting twice to the same snapshot differs in the layers, or, with internal ones, in the process.
    return known && known->current_snapshot == step.snapshot && contains(known->active, step.active) &&
           known->process == process && known->definition_xml == step.definition_xml && known->nvram == step.nvram;
}

// ---- RecordDelete ----
Result<void> apply(StepContext& context, const plan::RecordDelete& step, StepNote&) {
    LayerChange change;
    STASIS_CHECK(thaw(context, step.domain, step.active, change));
    change.remove_images = step.removed_images;
    change.active = step.active;
    if (step.change_current) change.current = step.current;
    return context.parts.catalog.remove_snapshots(step.domain, step.snapshots, change);
}

Result<bool> is_done(StepContext& context, const plan::RecordDelete& step, const StepNote&) {
    STASIS_TRY(const auto known, find_domain(context, step.domain));
    if (!known) return true;
    STASIS_TRY(const model::SnapshotTree tree, context.parts.catalog.snapshots(step.domain));
    const auto kept = [&](const SnapshotName& name) { return tree.find(name) != nullptr; };
    const auto held = [&](model::ImageId id) { return known->images.find(id) != nullptr; };
    return std::ranges::none_of(step.snapshots, kept) && std::ranges::none_of(step.removed_images, held) &&
           contains(known->active, step.active);
}

}  // namespace stasis::engine
