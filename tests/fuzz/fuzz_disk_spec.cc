// xl's disk strings: whatever is accepted, written with keys, is the same disk.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/xlcfg/disk_spec.h"

using namespace stasis::codec::xlcfg;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto spec = parse_disk_spec({reinterpret_cast<const char*>(data), size});
    if (!spec) return 0;
    if (spec->vdev.empty() || (spec->target.empty() && !spec->cdrom)) std::abort();
    std::string keyed = "format=" + spec->format + ",vdev=" + spec->vdev + ",access=" + (spec->writable ? "rw" : "ro");
    if (spec->cdrom) keyed += ",cdrom";
    if (spec->physical) keyed += ",backendtype=phy";
    if (spec->discard) keyed += *spec->discard ? ",discard" : ",no-discard";
    if (!spec->specification.empty()) keyed += ",specification=" + spec->specification;
    keyed += ",target=" + spec->target;
    auto plain = *spec;
    plain.foreign.clear();
    const auto again = parse_disk_spec(keyed);
    if (!again || *again != plain) std::abort();
    return 0;
}
