// Images on real files: facts from our own header reader, changes by qemu-img with every format stated. Files are
// made private by us before any tool opens them, and are durable on return. One thread.
#pragma once

#include "codec/qcow2/image.h"
#include "port/volume.h"
#include "seam/file_system.h"
#include "storage/qcow2/qemu_img.h"

namespace stasis::storage {

class Qcow2Volume final : public port::Volume {
public:
    Qcow2Volume(seam::FileSystem& files, seam::ProcessRunner& processes) : files_(files), img_(processes) {}
    /// The content of an image stated raw is never looked at. Of a block device the fingerprint holds no time.
    Result<model::ImageFacts> inspect(const std::string& path, model::ImageFormat stated) override;
    Result<void> create_overlay(const port::NewOverlay& overlay) override;
    Result<void> create_internal(const std::string& path, const std::string& name) override;
    Result<void> apply_internal(const std::string& path, const std::string& name) override;
    Result<void> delete_internal(const std::string& path, const std::string& name) override;
    Result<void> merge_down(const std::vector<model::Image>& chain, ProgressSink* progress,
                            const CancelToken* cancel) override;

private:
    /// The header of an image that was found safe to be opened by qemu-img.
    Result<codec::qcow2::Image> open_target(const ImgTask& task, const std::string& path, const std::string& name);
    Result<void> snapshot_command(const ImgTask& task, const std::string& path, const std::string& verb,
                                  const std::string& which);
    Result<void> fill_overlay(const ImgTask& task, const port::NewOverlay& overlay, seam::File& file);
    Result<void> check_chain(const ImgTask& task, const std::vector<model::Image>& chain);
    Result<std::uint64_t> bytes_to_merge(const std::vector<model::Image>& chain);
    Result<void> sync_file(const std::string& path);

    seam::FileSystem& files_;
    QemuImg img_;
};

}  // namespace stasis::storage
