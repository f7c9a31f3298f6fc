#include "model/xml/rules.h"

#include <algorithm>
#include <array>

namespace stasis::model {

namespace {

struct Rule {
    std::string_view parent;
    std::string_view item;
    Fate fate = Fate::kept;
    std::string_view value = {};  // not empty: only with this value
};

constexpr auto kRun = Fate::of_one_run;
constexpr auto kKept = Fate::kept;

constexpr Rule kRules[] = {
    {"/domain", "@id", kRun},
    {"/domain", "@type", kKept, "qemu"},
    {"/domain", "metadata"},
    {"/domain", "resource"},
    {"/domain", "iothreads"},
    {"/domain", "iothreadids"},
    {"/domain", "cputune"},
    {"/domain", "blkiotune"},
    {"/domain", "memtune"},
    {"/domain", "numatune"},
    {"/domain", "perf"},
    {"/domain", "seclabel"},
    {"/domain", "on_lockfailure"},
    {"/domain/memory", "@dumpCore"},
    {"/domain/vcpu", "@placement"},
    {"/domain/vcpu", "@cpuset"},
    {"/domain/os", "@firmware"},
    {"/domain/os", "firmware"},
    {"/domain/os", "bootmenu"},
    {"/domain/os/loader", "@format", kKept, "raw"},
    {"/domain/os/nvram", "@format", kKept, "raw"},
    {"/domain/os/nvram", "@templateFormat", kKept, "raw"},
    {"/domain/cpu", "vendor"},
    {"/domain/cpu/model", "@fallback"},
    {"/domain/cpu/topology", "@dies", kRun, "1"},
    {"/domain/cpu/topology", "@clusters", kRun, "1"},
    {"/domain/devices", "audio"},
    {"/domain/devices", "watchdog"},  // only the one that is part of the machine: see read_watchdog
    {"/domain/devices/disk", "@model", kKept, "virtio"},
    {"/domain/devices/disk", "backingStore", kRun},
    {"/domain/devices/disk", "iotune"},
    {"/domain/devices/disk/driver", "@iothread"},
    {"/domain/devices/disk/driver", "@ioeventfd"},
    {"/domain/devices/disk/source", "@index", kRun},
    {"/domain/devices/disk/source", "@startupPolicy"},
    {"/domain/devices/disk/source", "seclabel"},
    {"/domain/devices/disk/target", "@tray", kRun, "closed"},
    {"/domain/devices/interface", "@trustGuestRxFilters", kRun, "no"},
    {"/domain/devices/interface", "driver"},  // only its name: see read_interface
    {"/domain/devices/interface/source", "@index", kRun},
    {"/domain/devices/interface/target", "@managed"},
    {"/domain/devices/interface/link", "@state", kRun, "up"},
    {"/domain/devices/graphics", "@autoport", kRun},
    {"/domain/devices/graphics", "@port", kRun, "-1"},
    {"/domain/devices/serial", "@tty", kRun},
    {"/domain/devices/serial", "log"},
    {"/domain/devices/serial/source", "seclabel"},
    {"/domain/devices/console", "@tty", kRun},
    {"/domain/devices/console", "log"},
    {"/domain/devices/console/source", "seclabel"},
    {"/domain/devices/channel", "log"},
    {"/domain/devices/channel/source", "seclabel"},
    {"/domain/devices/channel/target", "@state", kRun},
    {"/domain/devices/controller", "@ports"},
    {"/domain/devices/controller", "@vectors"},
    {"/domain/devices/video/model", "@heads", kKept, "1"},
    {"/domain/devices/video/model", "@primary", kKept, "yes"},
    {"/domain/devices/video/model", "@ram", kKept, "65536"},
    {"/domain/devices/video/model", "@vgamem", kKept, "16384"},
    {"/domain/devices/memballoon", "stats"},
    {"/domain/devices/memballoon", "alias"},
    {"/domain/devices/tpm", "alias"},
};

std::string without_numbers(std::string_view path) {
    std::string generic;
    bool inside = false;
    for (const char c : path) {
        if (c == '[') inside = true;
        if (!inside) generic += c;
        if (c == ']') inside = false;
    }
    return generic;
}

}  // namespace

Fate fate_of(std::string_view parent, std::string_view item, std::string_view value) {
    if (item == "privateData") return Fate::of_one_run;  // libvirt's own notes, wherever they stand
    const std::string generic = without_numbers(parent);
    const auto* rule = std::ranges::find_if(kRules, [&](const Rule& candidate) {
        return candidate.parent == generic && candidate.item == item && (candidate.value.empty() || candidate.value == value);
    });
    return rule == std::end(kRules) ? Fate::outside : rule->fate;
}

}  // namespace stasis::model
