// Any bytes from a monitor socket: framing and message reader must neither crash nor lose bounds, and what was read
// must print and read back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/qmp/line_framer.h"
#include "codec/qmp/message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace stasis::codec::qmp;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    LineFramer framer(1 << 16);
    const std::size_t half = size / 2;
    if (!framer.push(text.substr(0, half)) || !framer.push(text.substr(half))) return 0;
    while (const auto line = framer.next()) {
        const auto message = parse_message(*line);
        if (message && !parse_json(to_text(message->data))) std::abort();
    }
    return 0;
}
