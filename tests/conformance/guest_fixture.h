// A guest with two disks, for the suites of Lifecycle, InstantCapture and BlockGraph. Ends what it started. One thread.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "subject.h"

namespace stasis::conformance {

class GuestFixture : public testing::Test {
protected:
    static constexpr std::uint32_t kBase = 1;  ///< image ids: of disk n (0, 1) in layer l: 10 * l + n + 1

    GuestFixture();
    ~GuestFixture() override;

    [[nodiscard]] static model::ImageId id(unsigned layer, unsigned disk) { return {10 * layer + disk + 1}; }
    [[nodiscard]] std::string path_of(unsigned layer, unsigned disk) const;
    [[nodiscard]] model::ChainImage chain_image(unsigned layer, unsigned disk) const;
    [[nodiscard]] model::Image image(unsigned layer, unsigned disk) const;
    /// Overlays of `layer` on `below` for both disks, made by the storage.
    std::vector<model::Overlay> make_overlays(unsigned layer, unsigned below = 0);
    /// Both disks with these layers, top first.
    [[nodiscard]] port::LaunchRequest request(std::uint32_t generation, const std::vector<unsigned>& layers) const;
    /// Launches and, if told, runs it.
    model::GuestRef start(std::uint32_t generation, const std::vector<unsigned>& layers, bool run = true);
    [[nodiscard]] model::GuestRef ref(std::uint32_t generation) const { return {domain_, generation}; }
    [[nodiscard]] static std::vector<model::DiskCapture> external(unsigned layer, unsigned active);
    [[nodiscard]] DomainState state(const model::GuestRef& guest);

    std::unique_ptr<GuestSubject> subject_ = make_guests();
    port::Ports ports_ = subject_->ports();
    StorageSubject& storage_ = subject_->storage();
    Uuid domain_ = Uuid::random();
    const DiskTarget targets_[2] = {*DiskTarget::parse("vda"), *DiskTarget::parse("vdb")};
    std::vector<model::GuestRef> started_;
};

}  // namespace stasis::conformance
