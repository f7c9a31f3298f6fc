#include "guest_fixture.h"

namespace stasis::conformance {

using model::ImageFormat;

GuestFixture::GuestFixture() {
    for (const unsigned disk : {0u, 1u}) EXPECT_TRUE(storage_.make_image(path_of(0, disk), ImageFormat::qcow2));
}

GuestFixture::~GuestFixture() {
    for (const auto& guest : started_) EXPECT_TRUE(ports_.lifecycle.kill(guest));
}

std::string GuestFixture::path_of(unsigned layer, unsigned disk) const {
    return storage_.path("disk" + std::to_string(disk) + "-" + std::to_string(layer) + ".qcow2");
}

model::ChainImage GuestFixture::chain_image(unsigned layer, unsigned disk) const {
    return {id(layer, disk), path_of(layer, disk), ImageFormat::qcow2};
}

model::Image GuestFixture::image(unsigned layer, unsigned disk) const {
    return {.id = id(layer, disk), .target = targets_[disk], .path = path_of(layer, disk), .format = ImageFormat::qcow2,
            .virtual_bytes = kDiskBytes};
}

std::vector<model::Overlay> GuestFixture::make_overlays(unsigned layer, unsigned below) {
    std::vector<model::Overlay> overlays;
    for (const unsigned disk : {0u, 1u}) {
        const auto made = ports_.volume.create_overlay({path_of(layer, disk), kDiskBytes, path_of(below, disk), ImageFormat::qcow2});
        EXPECT_TRUE(made) << made.error().render();
        overlays.push_back({targets_[disk], chain_image(layer, disk), id(below, disk)});
    }
    return overlays;
}

port::LaunchRequest GuestFixture::request(std::uint32_t generation, const std::vector<unsigned>& layers) const {
    port::LaunchRequest request{.guest = ref(generation), .definition = subject_->definition(ref(generation))};
    request.definition.uuid = domain_;
    for (const unsigned disk : {0u, 1u}) {
        model::AttachedDisk attached{.target = targets_[disk]};
        for (const unsigned layer : layers) attached.chain.push_back(chain_image(layer, disk));
        request.disks.push_back(std::move(attached));
        request.definition.disks.push_back(
            {.target = targets_[disk], .source = path_of(layers.front(), disk), .format = ImageFormat::qcow2});
    }
    return request;
}

model::GuestRef GuestFixture::start(std::uint32_t generation, const std::vector<unsigned>& layers, bool run) {
    started_.push_back(ref(generation));
    const auto launched = ports_.lifecycle.launch(request(generation, layers));
    EXPECT_TRUE(launched) << launched.error().render();
    if (launched && run) {
        const auto resumed = ports_.lifecycle.resume(ref(generation));
        EXPECT_TRUE(resumed) << resumed.error().render();
    }
    return ref(generation);
}

std::vector<model::DiskCapture> GuestFixture::external(unsigned layer, unsigned active) {
    std::vector<model::DiskCapture> disks;
    for (const unsigned disk : {0u, 1u})
        disks.push_back({.target = *DiskTarget::parse(disk == 0 ? "vda" : "vdb"),
                         .mode = DiskMode::external,
                         .active = id(active, disk),
                         .overlay = id(layer, disk)});
    return disks;
}

DomainState GuestFixture::state(const model::GuestRef& guest) {
    const auto status = ports_.lifecycle.status(guest);
    EXPECT_TRUE(status) << status.error().render();
    return status ? status->state : DomainState::crashed;
}

}  // namespace stasis::conformance
