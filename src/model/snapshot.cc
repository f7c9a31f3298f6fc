#include "model/snapshot.h"

#include <algorithm>
#include <ctime>

namespace stasis::model {
namespace {

std::unexpected<Error> broken(const SnapshotName& name, std::string why) {
    return fail(ErrorKind::corrupt, "read the snapshot tree", "snapshot '" + name.str() + "'", std::move(why));
}

}  // namespace

SnapshotTree::SnapshotTree(std::vector<Snapshot> snapshots, std::optional<SnapshotName> current)
    : snapshots_(std::move(snapshots)), current_(std::move(current)) {
    std::ranges::sort(snapshots_, {}, &Snapshot::name);
    for (const Snapshot& snapshot : snapshots_) {
        if (snapshot.parent) children_[*snapshot.parent].push_back(snapshot.name);
    }
}

const Snapshot* SnapshotTree::find(const SnapshotName& name) const {
    const auto at = std::ranges::lower_bound(snapshots_, name, {}, &Snapshot::name);
    return at != snapshots_.end() && at->name == name ? &*at : nullptr;
}

std::vector<SnapshotName> SnapshotTree::children(const SnapshotName& name) const {
    const auto at = children_.find(name);
    return at == children_.end() ? std::vector<SnapshotName>{} : at->second;
}

std::vector<SnapshotName> SnapshotTree::roots() const {
    std::vector<SnapshotName> result;
    for (const Snapshot& snapshot : snapshots_) {
        if (!snapshot.parent) result.push_back(snapshot.name);
    }
    return result;
}

std::vector<SnapshotName> SnapshotTree::descendants(const SnapshotName& name) const {
    std::vector<SnapshotName> result;
    std::vector<SnapshotName> waiting = children(name);
    std::ranges::reverse(waiting);
    while (!waiting.empty() && result.size() <= snapshots_.size()) {  // more: a loop, which check() reports
        result.push_back(std::move(waiting.back()));
        waiting.pop_back();
        const auto below = children(result.back());
        waiting.insert(waiting.end(), below.rbegin(), below.rend());
    }
    return result;
}

std::vector<SnapshotName> SnapshotTree::topological() const {
    std::vector<SnapshotName> result;
    for (const SnapshotName& root : roots()) {
        result.push_back(root);
        const auto below = descendants(root);
        result.insert(result.end(), below.begin(), below.end());
    }
    return result;
}

bool SnapshotTree::is_leaf(const SnapshotName& name) const { return !children_.contains(name); }

Result<void> SnapshotTree::check() const {
    for (std::size_t i = 0; i < snapshots_.size(); ++i) {
        const Snapshot& snapshot = snapshots_[i];
        if (i > 0 && snapshots_[i - 1].name == snapshot.name) return broken(snapshot.name, "the name stands twice");
        if (snapshot.parent && !find(*snapshot.parent)) {
            return broken(snapshot.name, "its parent '" + snapshot.parent->str() + "' is missing");
        }
    }
    // Every snapshot with an existing parent is reached from a root, unless its ancestors form a loop.
    if (topological().size() != snapshots_.size()) {
        return fail(ErrorKind::corrupt, "read the snapshot tree", "", "some snapshots are their own ancestors");
    }
    if (current_ && !find(*current_)) return broken(*current_, "it is the current snapshot but does not exist");
    return {};
}

SnapshotName name_from_time(UnixMicros now, const SnapshotTree& taken) {
    const std::time_t seconds = now.value / 1'000'000;
    std::tm local{};
    localtime_r(&seconds, &local);
    char text[32];
    const std::size_t length = std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &local);
    const std::string base(text, length);
    SnapshotName name = *SnapshotName::parse(base);
    for (int n = 2; taken.find(name); ++n) name = *SnapshotName::parse(base + "-" + std::to_string(n));
    return name;
}

}  // namespace stasis::model
