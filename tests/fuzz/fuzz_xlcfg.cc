// xl.cfg files as domains: whatever is accepted must be written as XML and read back as the same domain.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/domain_xlcfg.h"

using namespace stasis::model;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const bool lenient : {false, true}) {
        const auto parsed = domain_from_xlcfg(text, "fuzz.cfg", {.lenient = lenient, .base_folder = "/base"});
        if (!parsed) continue;
        const auto again = domain_from_xml(domain_to_xml(parsed->domain), "again.xml", {});
        if (!again || again->domain != parsed->domain) std::abort();
    }
    return 0;
}
