// xl's disk strings, xl-disk-configuration(5): positional ("/d/a.qcow2,qcow2,xvda,rw"), keyed
// ("format=qcow2,vdev=xvda,access=rw,target=/d/a.qcow2", where target= takes the rest of the string), mixed, with
// xend's deprecated prefixes ("raw:/d/a.img,hda:cdrom,r"). Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace stasis::codec::xlcfg {

struct DiskSpec {
    std::string target;          ///< path as written; empty: no medium
    std::string format = "raw";  ///< xl's word; "raw" when none is given, which is xl's rule; "empty": no medium
    std::string vdev;            ///< as written; never empty
    bool writable = true;        ///< false for access r or ro, and for CD-ROMs
    bool cdrom = false;
    bool physical = false;       ///< phy: or backendtype=phy: a device, in /dev unless absolute
    std::optional<bool> discard;
    std::string specification;   ///< "", "xen" or "virtio"
    /// Parameters that are understood but ask for what a QEMU host cannot do: "script=block-nbd", "backend=storage".
    std::vector<std::string> foreign;
    bool operator==(const DiskSpec&) const = default;
};

/// invalid: names the parameter and the rule of xl-disk-configuration(5) that it breaks.
Result<DiskSpec> parse_disk_spec(std::string_view text);

}  // namespace stasis::codec::xlcfg
