#include "plan/risks.h"

#include <algorithm>
#include <charconv>

#include "model/xml/domain_xml.h"

namespace stasis::plan {
namespace {

/// The part of a definition that the guest sees or that decides where its data lies.
model::Domain essence(model::Domain domain) {
    domain.title.clear();
    domain.description.clear();
    domain.kept.clear();
    return domain;
}

/// Images of the chain that changed since they were frozen.
Result<void> add_touched(const DomainFacts& facts, model::ImageId top, std::vector<std::string>& risks) {
    STASIS_TRY(const std::vector<model::Image> chain, facts.images.chain(top));
    for (const model::Image& image : chain) {
        const auto known = facts.image_facts.find(image.path);
        if (!image.frozen || known == facts.image_facts.end()) continue;
        if (*image.frozen != known->second.fingerprint) {
            risks.push_back("image " + image.path + " was changed by another tool since it was frozen");
        }
    }
    return {};
}

int next_number(std::string_view& text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.empty()) text.remove_prefix(1);
    return error == std::errc{} ? value : 0;
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
    while (!a.empty() || !b.empty()) {
        const int left = next_number(a);
        const int right = next_number(b);
        if (left != right) return left - right;
    }
    return 0;
}

Result<std::vector<std::string>> revert_risks(const DomainFacts& facts, const model::Snapshot& snapshot) {
    std::vector<std::string> risks;
    STASIS_TRY(const model::ParsedDomain then, model::domain_from_xml(snapshot.definition_xml, "the snapshot", {}));
    if (essence(then.domain) != essence(facts.definition)) risks.push_back("the definition has changed since");
    const bool with_memory = snapshot.memory.method != MemoryMethod::none;
    if (with_memory && !facts.machine.empty() && !snapshot.machine.empty() && facts.machine != snapshot.machine) {
        risks.push_back("the machine type was " + snapshot.machine + " and is " + facts.machine);
    }
    if (with_memory && !facts.hypervisor_version.empty() &&
        compare_versions(snapshot.hypervisor_version, facts.hypervisor_version) > 0) {
        risks.push_back("it was taken by version " + snapshot.hypervisor_version + " of the hypervisor, here is " +
                        facts.hypervisor_version);
    }
    for (const model::DiskState& disk : snapshot.disks) {
        if (disk.mode == DiskMode::external) STASIS_CHECK(add_touched(facts, disk.image, risks));
    }
    return risks;
}

}  // namespace stasis::plan
