#include "codec/qmp/line_framer.h"

namespace stasis::codec::qmp {

Result<void> LineFramer::push(std::string_view bytes) {
    if (consumed_ > 0) {
        pending_.erase(0, consumed_);
        scanned_ -= consumed_;
        consumed_ = 0;
    }
    pending_.append(bytes);
    const std::size_t last_end = pending_.rfind('\n');
    const std::size_t tail = last_end == std::string::npos ? pending_.size() : pending_.size() - last_end - 1;
    if (tail > line_bytes_max_) return fail(ErrorKind::invalid, "read a QMP line", {}, "it is too long");
    return {};
}

std::optional<std::string> LineFramer::next() {
    while (true) {
        const std::size_t end = pending_.find('\n', scanned_);
        if (end == std::string::npos) {
            scanned_ = pending_.size();
            return std::nullopt;
        }
        std::string line = pending_.substr(consumed_, end - consumed_);
        consumed_ = scanned_ = end + 1;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (!line.empty()) return line;
    }
}

}  // namespace stasis::codec::qmp
