// The machine itself: type, accelerator, memory, CPUs, firmware, kernel, clock.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "hypervisor/qemu/command_builder.h"

namespace stasis::hypervisor::qemu {
namespace {

/// Adds a firmware image as a node that a pflash drive can use.
void add_flash(CommandBuilder& builder, const std::string& node, const std::string& path, bool read_only) {
    builder.json_option("-blockdev", Json{{"driver", "file"}, {"node-name", node + "-f"}, {"filename", path},
                                     {"read-only", read_only}, {"auto-read-only", false}});
    builder.json_option("-blockdev",
                   Json{{"driver", "raw"}, {"node-name", node}, {"file", node + "-f"}, {"read-only", read_only}});
}

/// Machine properties that <features> turns on or off. Those with an empty name change nothing in QEMU: they are
/// always on there.
struct Feature {
    std::string_view name, property;
};
constexpr std::array kFeatures = {Feature{"acpi", "acpi"}, Feature{"smm", "smm"},  Feature{"vmport", "vmport"},
                                  Feature{"pae", ""},      Feature{"apic", ""},    Feature{"hap", ""},
                                  Feature{"pmu", ""},      Feature{"vmcoreinfo", ""}};

Result<std::string> feature_properties(const model::Domain& domain) {
    std::string properties;
    for (const auto& [name, state] : domain.features) {
        const auto* known = std::ranges::find(kFeatures, name, &Feature::name);
        const bool off = state == "off" || state == "no";
        if (known == kFeatures.end() || (known->property.empty() && off && name != "pmu" && name != "vmcoreinfo"))
            return not_expressible("feature '" + name + "'", "this driver cannot set it", "remove it from <features>");
        if (known->property.empty() || (name == "acpi" && !off)) continue;
        properties += fmt::format(",{}={}", known->property, off ? "off" : "on");
    }
    for (const auto& timer : domain.clock.timers)
        for (const auto& [key, value] : timer.attributes)
            if (timer.name == "hpet" && key == "present" && value == "no") properties += ",hpet=off";
    return properties;
}

Result<void> add_machine_option(CommandBuilder& builder) {
    const model::Domain& domain = builder.domain;
    const std::string type = domain.os.machine.empty() ? "pc" : domain.os.machine;
    std::string value = fmt::format("{},accel={},dump-guest-core=off,memory-backend=pc.ram", escaped(type),
                                    builder.input.host.accelerator);
    if (builder.traits.x86) value += ",usb=off";
    STASIS_TRY(const std::string properties, feature_properties(domain));
    value += properties;
    const std::string& nvram = builder.input.request.nvram.empty() ? domain.os.nvram : builder.input.request.nvram;
    if (!domain.os.loader.empty() && domain.os.loader_type != "rom") {
        add_flash(builder, "pflash0", domain.os.loader, domain.os.loader_read_only);
        value += ",pflash0=pflash0";
        if (!nvram.empty()) {
            add_flash(builder, "pflash1", nvram, false);
            value += ",pflash1=pflash1";
        }
        if (domain.os.loader_secure)
            builder.option("-global", "driver=cfi.pflash01,property=secure,value=on");
    } else if (!domain.os.loader.empty()) {
        builder.option("-bios", domain.os.loader);
    }
    builder.option("-machine", value);
    return {};
}

void add_memory(CommandBuilder& builder) {
    // A named backend: the RAM block has the same name in every generation and every QEMU.
    const std::uint64_t kib = (builder.domain.memory_bytes + 1023) / 1024;
    builder.option("-m", fmt::format("size={}k", kib));
    builder.json_option("-object", Json{{"qom-type", "memory-backend-ram"}, {"id", "pc.ram"}, {"size", kib * 1024}});
}

std::string cpu_model(const model::Domain& domain, bool kvm) {
    switch (domain.cpu.mode) {
        case model::CpuMode::host_passthrough:
        case model::CpuMode::host_model: return kvm ? "host" : "max";
        case model::CpuMode::maximum: return "max";
        case model::CpuMode::custom: return domain.cpu.model;
        case model::CpuMode::hypervisor_default: break;
    }
    return {};
}

std::string timer_features(const model::Domain& domain) {
    std::string text;
    for (const auto& timer : domain.clock.timers)
        for (const auto& [key, value] : timer.attributes) {
            if (key != "present") continue;
            if (timer.name == "kvmclock" && value == "no") text += ",kvmclock=off";
            if (timer.name == "hypervclock" && value == "yes") text += ",hv-time=on";
        }
    return text;
}

void add_cpu(CommandBuilder& builder) {
    const model::Domain& domain = builder.domain;
    std::string model = cpu_model(domain, builder.input.host.accelerator == "kvm");
    std::string features;
    for (const auto& [name, policy] : domain.cpu.features) {
        const bool off = policy == "disable" || policy == "forbid";
        features += fmt::format(",{}={}", escaped(name), off ? "off" : "on");
    }
    for (const auto& [name, state] : domain.features)
        if (name == "pmu" && !state.empty()) features += ",pmu=" + state;
    features += timer_features(domain);
    if (model.empty() && !features.empty()) model = builder.traits.x86 ? "qemu64" : "max";
    if (!model.empty()) builder.option("-cpu", escaped(model) + features);
    std::string smp = std::to_string(domain.vcpus);
    if (const auto& topology = domain.cpu.topology)
        smp += fmt::format(",sockets={},cores={},threads={}", (*topology)[0], (*topology)[1], (*topology)[2]);
    builder.option("-smp", smp);
}

void add_clock(CommandBuilder& builder) {
    const model::Clock& clock = builder.domain.clock;
    std::string rtc = "base=" + (clock.offset == "localtime" ? std::string("localtime") : std::string("utc"));
    for (const auto& timer : clock.timers)
        for (const auto& [key, value] : timer.attributes) {
            if (key != "tickpolicy") continue;
            if (timer.name == "rtc" && value == "catchup") rtc += ",driftfix=slew";
            if (timer.name == "pit" && value == "delay" && builder.input.host.accelerator == "kvm")
                builder.option("-global", "kvm-pit.lost_tick_policy=delay");
        }
    builder.option("-rtc", rtc);
}

void add_life(CommandBuilder& builder) {
    const model::Domain& domain = builder.domain;
    if (domain.on_reboot == "destroy") builder.option("-no-reboot");
    if (domain.on_poweroff == "preserve") builder.option("-no-shutdown");
    if (domain.on_crash == "preserve") builder.option("-action", "panic=pause");
    const std::string bridge = builder.traits.pcie ? "ICH9-LPC" : "PIIX4_PM";
    if (!builder.traits.x86) return;
    if (domain.suspend_to_mem) builder.option("-global", bridge + ".disable_s3=" + (*domain.suspend_to_mem ? "0" : "1"));
    if (domain.suspend_to_disk) builder.option("-global", bridge + ".disable_s4=" + (*domain.suspend_to_disk ? "0" : "1"));
}

}  // namespace

Result<void> add_machine(CommandBuilder& builder) {
    const model::Domain& domain = builder.domain;
    builder.option("-name", fmt::format("guest={},debug-threads=on", escaped(domain.name.str())));
    builder.option("-uuid", domain.uuid.str());
    builder.option("-nodefaults");
    builder.option("-no-user-config");
    builder.option("-S");
    builder.option("-msg", "timestamp=on");
    STASIS_CHECK(add_machine_option(builder));
    add_memory(builder);
    add_cpu(builder);
    add_clock(builder);
    add_life(builder);
    for (const auto& [name, state] : domain.features)
        if (name == "vmcoreinfo" && state != "off") builder.option("-device", "vmcoreinfo");
    if (!domain.os.kernel.empty()) builder.option("-kernel", domain.os.kernel);
    if (!domain.os.initrd.empty()) builder.option("-initrd", domain.os.initrd);
    if (!domain.os.cmdline.empty()) builder.option("-append", domain.os.cmdline);
    return {};
}

}  // namespace stasis::hypervisor::qemu
