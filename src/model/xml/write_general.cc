#include <fmt/format.h>

#include "model/xml/words.h"
#include "model/xml/write_parts.h"

namespace stasis::model {

using codec::xml::Element;

Element& add(Element& parent, std::string_view name, std::string text) {
    parent.children.push_back(Element{.name = std::string(name), .text = std::move(text)});
    return parent.children.back();
}

void set(Element& element, std::string_view name, std::string value) {
    for (auto& attribute : element.attributes)
        if (attribute.ns.empty() && attribute.name == name) {
            attribute.value = std::move(value);
            return;
        }
    element.attributes.push_back({.name = std::string(name), .value = std::move(value)});
}

void set_unless_empty(Element& element, std::string_view name, const std::string& value) {
    if (!value.empty()) set(element, name, value);
}

void add_unless_empty(Element& parent, std::string_view name, const std::string& text) {
    if (!text.empty()) add(parent, name, text);
}

namespace {

std::string yes_or_no(bool value) { return value ? "yes" : "no"; }

void write_firmware(Element& element, const Os& os) {
    if (!os.loader.empty()) {
        Element& loader = add(element, "loader", os.loader);
        set(loader, "readonly", yes_or_no(os.loader_read_only));
        if (os.loader_secure) set(loader, "secure", "yes");
        set(loader, "type", os.loader_type);
    }
    if (os.nvram.empty() && os.nvram_template.empty()) return;
    Element& nvram = add(element, "nvram", os.nvram);
    set_unless_empty(nvram, "template", os.nvram_template);
}

// The attributes of <cpu> that were kept as text: `match="exact" check="partial"`.
void set_kept_attributes(Element& cpu, const std::string& text) {
    const auto parsed = codec::xml::parse("<cpu " + text + "/>", "cpu");
    if (!parsed) return;  // validate() refuses such a domain
    for (const auto& attribute : parsed->attributes) set(cpu, attribute.name, attribute.value);
}

}  // namespace

void write_general(Element& root, const Domain& domain) {
    add(root, "name", domain.name.str());
    if (!domain.uuid.is_nil()) add(root, "uuid", domain.uuid.str());
    add_unless_empty(root, "title", domain.title);
    add_unless_empty(root, "description", domain.description);
    set(add(root, "memory", std::to_string(domain.memory_bytes / 1024)), "unit", "KiB");
    add(root, "vcpu", std::to_string(domain.vcpus));
}

void write_os(Element& root, const Os& os) {
    Element& element = add(root, "os");
    Element& type = add(element, "type", "hvm");
    set(type, "arch", os.arch);
    set_unless_empty(type, "machine", os.machine);
    write_firmware(element, os);
    add_unless_empty(element, "kernel", os.kernel);
    add_unless_empty(element, "initrd", os.initrd);
    add_unless_empty(element, "cmdline", os.cmdline);
    for (const auto& device : os.boot) set(add(element, "boot"), "dev", device);
}

void write_cpu(Element& root, const Cpu& cpu) {
    if (cpu == Cpu{}) return;
    Element& element = add(root, "cpu");
    set_unless_empty(element, "mode", std::string(kCpuModes.of(cpu.mode)));
    if (!cpu.kept_attributes.empty()) set_kept_attributes(element, cpu.kept_attributes);
    add_unless_empty(element, "model", cpu.model);
    if (cpu.topology) {
        Element& topology = add(element, "topology");
        set(topology, "sockets", std::to_string((*cpu.topology)[0]));
        set(topology, "cores", std::to_string((*cpu.topology)[1]));
        set(topology, "threads", std::to_string((*cpu.topology)[2]));
    }
    for (const auto& [name, policy] : cpu.features) {
        Element& feature = add(element, "feature");
        set(feature, "policy", policy);
        set(feature, "name", name);
    }
}

void write_features(Element& root, const Domain& domain) {
    if (domain.features.empty()) return;
    Element& features = add(root, "features");
    for (const auto& [name, state] : domain.features) set_unless_empty(add(features, name), "state", state);
}

void write_clock(Element& root, const Clock& clock) {
    Element& element = add(root, "clock");
    set(element, "offset", clock.offset);
    for (const auto& timer : clock.timers) {
        Element& into = add(element, "timer");
        set(into, "name", timer.name);
        for (const auto& [name, value] : timer.attributes) into.attributes.push_back({.name = name, .value = value});
    }
}

void write_pm(Element& root, const Domain& domain) {
    if (!domain.suspend_to_mem && !domain.suspend_to_disk) return;
    Element& pm = add(root, "pm");
    if (domain.suspend_to_mem) set(add(pm, "suspend-to-mem"), "enabled", yes_or_no(*domain.suspend_to_mem));
    if (domain.suspend_to_disk) set(add(pm, "suspend-to-disk"), "enabled", yes_or_no(*domain.suspend_to_disk));
}

void write_qemu_commandline(Element& root, const Domain& domain) {
    if (domain.qemu_args.empty() && domain.qemu_env.empty()) return;
    const auto in_namespace = [](Element& element) -> Element& {
        element.prefix = "qemu";
        element.ns = kQemuNamespace;
        return element;
    };
    Element& commandline = in_namespace(add(root, "commandline"));
    for (const auto& arg : domain.qemu_args) set(in_namespace(add(commandline, "arg")), "value", arg);
    for (const auto& [name, value] : domain.qemu_env) {
        Element& env = in_namespace(add(commandline, "env"));
        set(env, "name", name);
        set(env, "value", value);
    }
}

}  // namespace stasis::model
