#include "model/guest.h"

namespace stasis::model {

// A target has at most 16 characters and an id at most 10 digits: 27, within QEMU's 31 even with the driver's
// suffixes of up to four.
std::string node_name(const DiskTarget& target, ImageId id) { return target.str() + "-" + std::to_string(id.value); }

}  // namespace stasis::model
