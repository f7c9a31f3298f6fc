// Devices as xl.cfg writes them, into model::Domain: disk strings, vif strings, serial strings. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "codec/xlcfg/config.h"
#include "model/xml/domain_xml.h"

namespace stasis::model {

/// The file being read.
struct XlInput {
    const std::string& source;
    const DomainXmlOptions& options;
    std::vector<std::string> left_out;

    /// Something that Stasis cannot give the guest: invalid, or listed when reading leniently.
    Result<void> outside(const codec::xlcfg::Place& place, const std::string& what);
    /// A relative path becomes absolute by base_folder; without one it is invalid.
    [[nodiscard]] Result<std::string> resolve(const codec::xlcfg::Place& place, const std::string& path) const;
};

/// Adds one disk, xl-disk-configuration(5). hdX is an IDE disk, sdX SCSI, vdX and xvdX virtio.
Result<void> add_xl_disk(XlInput& in, const codec::xlcfg::Atom& text, Domain& domain);
/// Adds one interface, xl-network-configuration(5); always on a bridge, "xenbr0" unless another is named.
Result<void> add_xl_vif(XlInput& in, const codec::xlcfg::Atom& text, Domain& domain);
/// Adds one serial port: "pty", "null", "none" (no port), "file:/path", "unix:/path[,server][,nowait]".
Result<void> add_xl_serial(XlInput& in, const codec::xlcfg::Atom& text, Domain& domain);

}  // namespace stasis::model
