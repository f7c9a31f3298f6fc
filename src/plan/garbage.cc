#include "plan/garbage.h"

namespace stasis::plan {

std::vector<model::ImageId> images_of(const std::vector<model::Snapshot>& snapshots) {
    std::vector<model::ImageId> result;
    for (const model::Snapshot& snapshot : snapshots) {
        for (const model::DiskState& disk : snapshot.disks) {
            if (disk.mode != DiskMode::no) result.push_back(disk.image);
        }
    }
    return result;
}

void drop_images(Plan& plan, const DomainFacts& facts, const std::vector<model::Image>& images) {
    if (images.empty()) return;
    RecordDelete record{.domain = facts.definition.uuid};
    for (const model::Image& image : images) {
        plan.steps.push_back(RemoveFile{image.path});
        record.removed_images.push_back(image.id);
    }
    plan.steps.push_back(std::move(record));
}

void drop_left_behind(Plan& plan, const DomainFacts& facts, const std::vector<model::Image>& new_layers) {
    if (facts.left_behind.empty()) return;
    model::ImageGraph images = facts.images;
    std::vector<model::ImageId> roots = images_of(facts.snapshots.snapshots());
    for (const auto& [target, layer] : facts.active) roots.push_back(layer);
    for (const model::Image& layer : new_layers) {
        images.put(layer);
        roots.push_back(layer.id);
    }
    const std::vector<model::Image> garbage = images.garbage(roots);
    if (garbage.empty()) return;
    plan.notes.push_back(std::to_string(garbage.size()) +
                         " layer(s) that an earlier revert left behind are dropped; that revert cannot be taken back then");
    drop_images(plan, facts, garbage);
}

}  // namespace stasis::plan
