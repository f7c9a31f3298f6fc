#include "model/snapshot.h"

#include <gtest/gtest.h>

namespace stasis::model {
namespace {

SnapshotName name(const std::string& text) { return *SnapshotName::parse(text); }

Snapshot snapshot(const std::string& own, const std::string& parent) {
    Snapshot result{.name = name(own)};
    if (!parent.empty()) result.parent = name(parent);
    return result;
}

std::string joined(const std::vector<SnapshotName>& names) {
    std::string result;
    for (const SnapshotName& each : names) result += each.str();
    return result;
}

const SnapshotTree kTree({snapshot("d", "b"), snapshot("a", ""), snapshot("c", "a"), snapshot("b", "a"), snapshot("e", "")},
                         name("d"));

TEST(SnapshotTree, AnswersAreOrderedByName) {
    EXPECT_EQ(joined(kTree.roots()), "ae");
    EXPECT_EQ(joined(kTree.children(name("a"))), "bc");
    EXPECT_EQ(joined(kTree.descendants(name("a"))), "bdc");
    EXPECT_EQ(joined(kTree.topological()), "abdce");
    EXPECT_TRUE(kTree.is_leaf(name("d")));
    EXPECT_FALSE(kTree.is_leaf(name("b")));
    EXPECT_TRUE(kTree.check());
}

TEST(SnapshotTree, BrokenTreesAreCorrupt) {
    EXPECT_FALSE(SnapshotTree({snapshot("a", "b"), snapshot("b", "a")}, {}).check());
    EXPECT_FALSE(SnapshotTree({snapshot("a", "gone")}, {}).check());
    EXPECT_FALSE(SnapshotTree({snapshot("a", ""), snapshot("a", "")}, {}).check());
    EXPECT_FALSE(SnapshotTree({snapshot("a", "")}, name("b")).check());
}

TEST(SnapshotTree, ALoopDoesNotHang) {
    const SnapshotTree tree({snapshot("a", "b"), snapshot("b", "a")}, {});
    EXPECT_LE(tree.descendants(name("a")).size(), 3u);
}

TEST(NameFromTime, IsFourteenDigitsAndAvoidsTakenNames) {
    const UnixMicros now{1'700'000'000'000'000};
    const SnapshotName first = name_from_time(now, {});
    EXPECT_EQ(first.str().size(), 14u);
    EXPECT_EQ(first.str().find_first_not_of("0123456789"), std::string::npos);
    const SnapshotName second = name_from_time(now, SnapshotTree({{.name = first}}, {}));
    EXPECT_EQ(second.str(), first.str() + "-2");
}

}  // namespace
}  // namespace stasis::model
