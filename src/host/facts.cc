#include "host/facts.h"

#include "model/xml/domain_xml.h"
#include "plan/chains.h"

namespace stasis::host {
namespace {

std::string launched_key(const model::GuestRef& guest) {
    return "launched/" + guest.domain.str() + "/" + std::to_string(guest.generation);
}

/// One image; true when its facts are there.
bool read_one(World& world, const std::string& path, model::ImageFormat format, plan::ImageFactsByPath& into,
              std::map<std::string, Error>& unreadable) {
    if (into.contains(path)) return true;
    auto facts = world.ports().volume.inspect(path, format);
    if (facts) {
        into.emplace(path, *std::move(facts));
        return true;
    }
    unreadable.emplace(path, std::move(facts).error());
    return false;
}

void read_images(World& world, plan::DomainFacts& facts) {
    for (const model::Image& image : facts.images.images()) {
        read_one(world, image.path, image.format, facts.image_facts, facts.unreadable);
    }
    // A chain that could not be read when the domain was defined is not in the catalog yet.
    for (const model::Disk& disk : facts.definition.disks) {
        if (!disk.source.empty()) read_chain_facts(world, disk.source, disk.format, facts.image_facts, facts.unreadable);
    }
}

Result<void> read_guest(World& world, const catalog::DomainRecord& record, plan::DomainFacts& facts) {
    facts.machine = facts.definition.os.machine;
    if (!record.process) {
        facts.hypervisor_version = world.hypervisor_version(facts.definition.emulator, facts.definition.os.arch);
        return {};
    }
    const model::GuestRef guest{record.uuid, record.process->generation};
    STASIS_TRY(const model::GuestStatus status, world.ports().lifecycle.status(guest));
    facts.state = status.state;
    if (status.state == DomainState::shut_off) {
        facts.hypervisor_version = world.hypervisor_version(facts.definition.emulator, facts.definition.os.arch);
        return {};
    }
    facts.guest = guest;
    STASIS_TRY(const std::optional<std::string> launched, world.catalog().cached(launched_key(guest)));
    facts.launched_xml = launched.value_or("");
    facts.hypervisor_version = status.hypervisor_version;
    if (!status.machine.empty()) facts.machine = status.machine;
    return {};
}

Result<void> read_wanted(World& world, const FactsWanted& wanted, plan::DomainFacts& facts) {
    if (wanted.images) read_images(world, facts);
    if (wanted.memory_ability && facts.guest) {
        STASIS_TRY(facts.memory_ability, world.ports().capture.memory_ability(*facts.guest));
    }
    if (!wanted.memory_image.empty()) {
        if (auto whole = world.check_memory_image(wanted.memory_image); !whole) {
            facts.unreadable.emplace(wanted.memory_image, std::move(whole).error());
        }
    }
    if (!wanted.folder.empty()) {
        STASIS_TRY(facts.free_bytes, world.ports().files.free_bytes(wanted.folder));
    }
    if (!facts.nvram.empty()) {
        STASIS_TRY(facts.nvram_exists, world.ports().files.exists(facts.nvram));
    }
    return {};
}

}  // namespace

void read_chain_facts(World& world, std::string path, model::ImageFormat format, plan::ImageFactsByPath& into,
                      std::map<std::string, Error>& unreadable) {
    for (std::uint32_t depth = 0; depth < model::kChainDepthMax; ++depth) {
        if (!read_one(world, path, format, into, unreadable)) return;
        const model::ImageFacts& facts = into.at(path);
        const auto below_format = model::image_format_from(facts.backing_format);
        if (facts.backing_path.empty() || !below_format) return;
        const auto below = plan::backing_path_of(path, facts.backing_path);
        if (!below) return;  // the planner says why it refuses it
        path = *below;
        format = *below_format;
    }
}

Result<void> keep_launched(World& world, const model::GuestRef& guest, const std::string& definition_xml) {
    return world.catalog().cache(launched_key(guest), definition_xml);
}

Result<plan::DomainFacts> read_facts(World& world, const catalog::DomainRecord& record, const FactsWanted& wanted) {
    plan::DomainFacts facts;
    STASIS_TRY(model::ParsedDomain parsed, model::domain_from_xml(record.definition_xml, "the catalog", {}));
    facts.definition = std::move(parsed.domain);
    facts.definition_xml = record.definition_xml;
    facts.next_generation = record.next_generation;
    facts.images = record.images;
    facts.active = record.active;
    facts.left_behind = record.left_behind;
    facts.nvram = record.nvram.empty() ? facts.definition.os.nvram : record.nvram;
    STASIS_TRY(facts.snapshots, world.catalog().snapshots(record.uuid));
    STASIS_CHECK(facts.images.check());
    STASIS_CHECK(facts.snapshots.check());
    STASIS_CHECK(read_guest(world, record, facts));
    STASIS_CHECK(read_wanted(world, wanted, facts));
    return facts;
}

}  // namespace stasis::host
