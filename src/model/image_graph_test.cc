#include "model/image_graph.h"

#include <gtest/gtest.h>

namespace stasis::model {
namespace {

Image image(std::uint32_t id, std::uint32_t backing, bool ours = true) {
    return {.id = {id}, .target = *DiskTarget::parse("vda"), .path = "/i/" + std::to_string(id), .backing = {backing},
            .made_by_stasis = ours};
}

std::vector<std::uint32_t> ids(const std::vector<Image>& images) {
    std::vector<std::uint32_t> result;
    for (const Image& each : images) result.push_back(each.id.value);
    return result;
}

TEST(ImageGraph, AChainIsReadFromTheTop) {
    const ImageGraph graph({image(1, 0, false), image(2, 1), image(3, 2)});
    EXPECT_EQ(ids(*graph.chain({3})), (std::vector<std::uint32_t>{3, 2, 1}));
    EXPECT_EQ(graph.next_id(), ImageId{4});
    EXPECT_TRUE(graph.check());
}

TEST(ImageGraph, AnIdIsNeverGivenOutAgain) {
    ImageGraph graph({image(1, 0, false), image(2, 1)});
    graph.put(image(3, 2));
    graph.remove({3});
    graph.remove({2});
    EXPECT_EQ(graph.next_id(), ImageId{4});
    EXPECT_EQ(ImageGraph({image(1, 0)}, {9}).next_id(), ImageId{9}) << "nine is what the past calls for";
    EXPECT_EQ(ImageGraph({image(1, 0), image(9, 1)}, {3}).next_id(), ImageId{10});
    EXPECT_EQ(ImageGraph().next_id(), ImageId{1});
}

TEST(ImageGraph, ALoopOrAMissingImageIsCorrupt) {
    EXPECT_FALSE(ImageGraph({image(1, 2), image(2, 1)}).chain({2}));
    EXPECT_FALSE(ImageGraph({image(1, 2), image(2, 1)}).check());
    EXPECT_FALSE(ImageGraph({image(2, 1)}).check());
    EXPECT_EQ(ImageGraph({image(2, 1)}).chain({2}).error().kind, ErrorKind::corrupt);
}

TEST(ImageGraph, AChainHasALimit) {
    ImageGraph graph;
    for (std::uint32_t id = 1; id <= kChainDepthMax + 1; ++id) graph.put(image(id, id - 1));
    EXPECT_TRUE(graph.chain({kChainDepthMax}));
    EXPECT_FALSE(graph.chain({kChainDepthMax + 1}));
}

TEST(ImageGraph, AnImageOfAnotherDiskIsNoBacking) {
    Image other = image(2, 1);
    other.target = *DiskTarget::parse("vdb");
    EXPECT_FALSE(ImageGraph({image(1, 0), other}).check());
}

TEST(ImageGraph, GarbageIsOursAndUnreachableChildrenFirst) {
    // 1 <- 2 <- 3 (active), 2 <- 4 <- 5 (left behind)
    const ImageGraph graph({image(1, 0, false), image(2, 1), image(3, 2), image(4, 2), image(5, 4)});
    EXPECT_EQ(ids(graph.garbage({{3}})), (std::vector<std::uint32_t>{5, 4}));
    EXPECT_EQ(ids(graph.garbage({})), (std::vector<std::uint32_t>{5, 4, 3, 2})) << "the user's own image is never garbage";
}

TEST(ImageGraph, ChildrenAreFound) {
    const ImageGraph graph({image(1, 0), image(2, 1), image(3, 1)});
    EXPECT_EQ(graph.children({1}).size(), 2u);
    EXPECT_TRUE(graph.children({3}).empty());
}

}  // namespace
}  // namespace stasis::model
