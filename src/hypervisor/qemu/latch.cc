#include "hypervisor/qemu/latch.h"

#include "base/undo.h"

namespace stasis::hypervisor::qemu {
namespace {

constexpr const char* kLatchNode = "stasis-latch";
constexpr std::size_t kCluster = 512;  // the smallest qcow2 allows

void put(std::string& image, std::size_t at, std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i)
        image[at + i] = static_cast<char>((value >> (8 * (bytes - 1 - i))) & 0xff);
}

}  // namespace

std::string latch_image() {
    constexpr std::size_t kTable = kCluster, kBlock = 2 * kCluster, kL1 = 3 * kCluster, kClusters = 4;
    std::string image(kClusters * kCluster, '\0');
    put(image, 0, 0x514649fb, 4);   // magic
    put(image, 4, 3, 4);            // version
    put(image, 20, 9, 4);           // cluster bits
    put(image, 24, kCluster, 8);    // capacity
    put(image, 36, 1, 4);           // entries of the L1 table
    put(image, 40, kL1, 8);
    put(image, 48, kTable, 8);      // refcount table and its length in clusters
    put(image, 56, 1, 4);
    put(image, 96, 4, 4);           // refcounts of 16 bits
    put(image, 100, 104, 4);        // header length
    put(image, kTable, kBlock, 8);
    for (std::size_t i = 0; i < kClusters; ++i) put(image, kBlock + 2 * i, 1, 2);
    return image;
}

Result<void> close_latch(QmpSession& session, seam::FileSystem& files, const RunFolder& folder) {
    open_latch(session, files, folder);
    STASIS_TRY(auto file, files.create(folder.latch()));
    const std::string image = latch_image();
    STASIS_CHECK(file->write_at(0, std::as_bytes(std::span(image))));
    STASIS_CHECK(session.execute("blockdev-add", Json{{"driver", "qcow2"},
                                                      {"node-name", kLatchNode},
                                                      {"file", {{"driver", "file"}, {"filename", folder.latch()}}}}));
    const std::string spoilt = "XXXX";
    return file->write_at(0, std::as_bytes(std::span(spoilt)));
}

void open_latch(QmpSession& session, seam::FileSystem& files, const RunFolder& folder) {
    (void)session.execute("blockdev-del", Json{{"node-name", kLatchNode}});
    (void)files.remove_file(folder.latch());
}

bool refused_by_latch(const Error& error) { return error.why.find("not in qcow2 format") != std::string::npos; }

}  // namespace stasis::hypervisor::qemu
