// Planners for the life of a domain: define, undefine, start, shutdown, destroy, suspend, resume.
#include <algorithm>

#include "model/xml/domain_xml.h"
#include "plan/chains.h"
#include "plan/planners.h"

namespace stasis::plan {
namespace {

std::string quoted(const DomainFacts& facts) { return "domain '" + facts.definition.name.str() + "'"; }

Plan begin(const std::string& operation, const DomainFacts& facts) {
    Plan plan;
    plan.operation = operation;
    plan.domain = facts.definition.uuid;
    plan.title = operation + " " + quoted(facts);
    return plan;
}

std::unexpected<Error> wrong_state(std::string_view verb, const DomainFacts& facts, std::string next) {
    return fail(ErrorKind::invalid, std::string(verb), quoted(facts), "it is " + std::string(to_string(facts.state)),
                std::move(next));
}

Result<void> need_guest(std::string_view verb, const DomainFacts& facts) {
    if (facts.guest) return {};
    return wrong_state(verb, facts, "start it first: stasis start " + facts.definition.name.str());
}

/// The source that the definition should keep for a disk whose document names the layer that is active now.
void keep_defined_source(model::Disk& disk, const DomainFacts& existing) {
    const auto active = existing.active.find(disk.target);
    const model::Disk* before = model::find_disk(existing.definition, disk.target);
    if (active == existing.active.end() || !before) return;
    const model::Image* image = existing.images.find(active->second);
    if (image && image->path == disk.source) {
        disk.source = before->source;
        disk.format = before->format;
        disk.source_type = before->source_type;
    }
}

bool keeps_layers(const model::Disk& disk, const DomainFacts& existing) {
    const model::Disk* before = model::find_disk(existing.definition, disk.target);
    return before && before->source == disk.source && before->format == disk.format &&
           existing.active.contains(disk.target);
}

/// The active layer itself, named by a document for a disk that the definition did not have: nothing to register.
bool names_active_layer(const model::Disk& disk, const DomainFacts& existing) {
    const auto active = existing.active.find(disk.target);
    const model::Image* image = active == existing.active.end() ? nullptr : existing.images.find(active->second);
    return image && image->path == disk.source && image->format == disk.format;
}

/// Another source for a disk must neither let the guest write to an image that layers or snapshots stand on, nor cut
/// off the layer that holds the disk's newest data, nor differ from what a running guest writes to.
Result<void> refuse_lost_layers(const model::Disk& disk, const DomainFacts& existing) {
    const std::string target = "disk '" + disk.target.str() + "' of " + quoted(existing);
    for (const model::Image& image : existing.images.images()) {
        if (image.path != disk.source || (!image.made_by_stasis && existing.images.children(image.id).empty())) continue;
        return fail(ErrorKind::invalid, "define", target, "snapshots of this domain stand on " + image.path,
                    "leave the source as 'stasis dumpxml' shows it now");
    }
    const auto active = existing.active.find(disk.target);
    const model::Image* newest = active == existing.active.end() ? nullptr : existing.images.find(active->second);
    if (newest && newest->made_by_stasis) {
        return fail(ErrorKind::invalid, "define", target,
                    "its newest data lies in " + newest->path + ", which another source would cut off",
                    "delete the domain's snapshots first, or leave the source as 'stasis dumpxml' shows it now");
    }
    if (existing.guest && !disk.read_only && disk.device == model::DiskDevice::disk) {
        return fail(ErrorKind::invalid, "define", target,
                    "its image cannot change while the domain is " + std::string(to_string(existing.state)),
                    "shut the domain down first");
    }
    return {};
}

Result<RecordDomain> record_domain(model::Domain& definition, const std::optional<DomainFacts>& existing,
                                   const ImageFactsByPath& images) {
    RecordDomain record;
    model::ImageId next = existing ? existing->images.next_id() : model::ImageId{1};
    for (model::Disk& disk : definition.disks) {
        if (existing) keep_defined_source(disk, *existing);
        if (disk.source.empty()) continue;
        if (existing && (keeps_layers(disk, *existing) || names_active_layer(disk, *existing))) continue;
        if (existing) STASIS_CHECK(refuse_lost_layers(disk, *existing));
        STASIS_TRY(const std::vector<model::Image> chain, register_chain(disk, next, images));
        record.images.insert(record.images.end(), chain.begin(), chain.end());
        record.active[disk.target] = chain.back().id;
        next.value = chain.back().id.value + 1;
    }
    record.definition_xml = model::domain_to_xml(definition);
    return record;
}

Result<void> refuse_other_uuid(const model::Domain& definition, const std::optional<DomainFacts>& existing) {
    if (!existing || existing->definition.uuid == definition.uuid) return {};
    return fail(ErrorKind::exists, "define", "domain '" + definition.name.str() + "'",
                "a domain of this name is defined with uuid " + existing->definition.uuid.str(),
                "undefine it first, or give the document that uuid");
}

/// Images whose header was not to be had when the domain was defined are read again at start.
Result<void> complete_chains(const DomainFacts& facts, Plan& plan, model::ImageGraph& images, model::ActiveLayers& active) {
    RecordDomain record{.definition_xml = facts.definition_xml, .images = {}, .active = {}};
    for (const model::Disk& disk : facts.definition.disks) {
        const auto layer = active.find(disk.target);
        const model::Image* image = layer == active.end() ? nullptr : images.find(layer->second);
        if (!image || image->virtual_bytes != 0 || image->made_by_stasis) continue;
        STASIS_TRY(const std::vector<model::Image> chain, register_chain(disk, images.next_id(), facts.image_facts));
        for (const model::Image& each : chain) images.put(each);
        record.images.insert(record.images.end(), chain.begin(), chain.end());
        record.active[disk.target] = active[disk.target] = chain.back().id;
    }
    if (!record.images.empty()) plan.steps.push_back(std::move(record));
    return {};
}

Result<void> check_disks(const DomainFacts& facts, const model::ImageGraph& images, const model::ActiveLayers& active) {
    DomainFacts now = facts;
    now.images = images;
    for (const auto& [target, layer] : active) {
        if (auto checked = check_chain(now, layer); !checked) {
            return fail_because(std::move(checked).error(), "start", quoted(facts),
                                "make disk " + target.str() + " available, or change the definition");
        }
    }
    return {};
}

}  // namespace

Result<Plan> plan_define(model::Domain definition, const std::optional<DomainFacts>& existing,
                         const ImageFactsByPath& images) {
    STASIS_CHECK(refuse_other_uuid(definition, existing));
    Plan plan{.operation = "define", .domain = definition.uuid, .title = "define domain '" + definition.name.str() + "'"};
    STASIS_TRY(RecordDomain record, record_domain(definition, existing, images));
    plan.steps.push_back(std::move(record));
    if (existing && existing->state != DomainState::shut_off) {
        plan.notes.push_back("the domain is " + std::string(to_string(existing->state)) +
                             "; the new definition holds from its next start");
    }
    return plan;
}

Result<Plan> plan_undefine(const DomainFacts& facts) {
    if (facts.guest) return wrong_state("undefine", facts, "stop it first: stasis destroy " + facts.definition.name.str());
    if (const auto count = facts.snapshots.snapshots().size(); count > 0) {
        return fail(ErrorKind::invalid, "undefine", quoted(facts),
                    "it has " + std::to_string(count) + (count == 1 ? " snapshot" : " snapshots"),
                    "delete them first: stasis snapshot-delete " + facts.definition.name.str() + " NAME --children");
    }
    Plan plan = begin("undefine", facts);
    for (const auto& [target, layer] : facts.active) {
        const model::Image* image = facts.images.find(layer);
        if (image && image->made_by_stasis) {
            plan.notes.push_back("disk " + target.str() + " stays as " + image->path + " on its backing images");
        }
    }
    if (facts.nvram_exists) plan.notes.push_back("the firmware's variables stay in " + facts.nvram);
    if (facts.definition.tpm) plan.notes.push_back("the state of its TPM stays in the state folder, below tpm/" + facts.definition.uuid.str());
    plan.steps.push_back(ForgetDomain{facts.definition.uuid});
    return plan;
}

Result<Plan> plan_start(const DomainFacts& facts, bool paused) {
    if (facts.guest) return wrong_state("start", facts, "");
    Plan plan = begin("start", facts);
    model::ImageGraph images = facts.images;
    model::ActiveLayers active = facts.active;
    STASIS_CHECK(complete_chains(facts, plan, images, active));
    STASIS_CHECK(check_disks(facts, images, active));
    STASIS_TRY(auto disks, attached_disks(facts.definition, images, active));
    if (!facts.nvram.empty() && !facts.nvram_exists && !facts.definition.os.nvram_template.empty()) {
        plan.steps.push_back(CopyFile{facts.definition.os.nvram_template, facts.nvram});
    }
    const model::GuestRef guest{facts.definition.uuid, facts.next_generation};
    plan.steps.push_back(LaunchGuest{.guest = guest, .definition_xml = facts.definition_xml, .disks = std::move(disks),
                                     .nvram = facts.nvram});
    plan.commit_from = plan.steps.size();
    plan.steps.push_back(RecordGuest{guest, true});
    if (!paused) plan.steps.push_back(ResumeGuest{guest});
    return plan;
}

Result<Plan> plan_shutdown(const DomainFacts& facts) {
    STASIS_CHECK(need_guest("shutdown", facts));
    if (facts.state != DomainState::running) {
        return wrong_state("shutdown", facts, "a guest that stands still cannot answer; resume or destroy it");
    }
    Plan plan = begin("shutdown", facts);
    plan.steps.push_back(RequestShutdown{*facts.guest});
    return plan;
}

Result<Plan> plan_destroy(const DomainFacts& facts) {
    STASIS_CHECK(need_guest("destroy", facts));
    Plan plan = begin("destroy", facts);
    plan.steps.push_back(KillGuest{*facts.guest});
    plan.steps.push_back(RecordGuest{*facts.guest, false});
    return plan;
}

Result<Plan> plan_suspend(const DomainFacts& facts) {
    STASIS_CHECK(need_guest("suspend", facts));
    if (facts.state != DomainState::running) return wrong_state("suspend", facts, "");
    Plan plan = begin("suspend", facts);
    plan.steps.push_back(PauseGuest{*facts.guest});
    return plan;
}

Result<Plan> plan_resume(const DomainFacts& facts) {
    STASIS_CHECK(need_guest("resume", facts));
    if (facts.state == DomainState::running) return wrong_state("resume", facts, "");
    if (facts.state == DomainState::crashed) {
        return wrong_state("resume", facts, "a crashed guest cannot go on; revert it to a snapshot, or destroy and start it");
    }
    Plan plan = begin("resume", facts);
    plan.steps.push_back(ResumeGuest{*facts.guest});
    return plan;
}

}  // namespace stasis::plan
