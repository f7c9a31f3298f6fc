#include <fmt/format.h>

#include "model/xml/read_parts.h"

namespace stasis::model {

namespace {

void read_type(Cursor& os, Os& into) {
    auto type = os.child("type");
    if (!type) return os.invalid("there is no <type> in /domain/os", "write <type arch='x86_64'>hvm</type>");
    if (const auto text = type->text(); text != "hvm") type->invalid(fmt::format("<type> is '{}', and only hvm is known", text));
    into.arch = type->attribute_or("arch", into.arch);
    into.machine = type->attribute_or("machine");
    type->finish();
}

void read_firmware(Cursor& os, Os& into) {
    if (auto loader = os.child("loader")) {
        into.loader_read_only = loader->yes("readonly", true);  // never write to what other guests share unless told to
        into.loader_secure = loader->yes("secure", false);
        into.loader_type = loader->attribute("type") ? loader->one_of("type", kLoaderTypes) : "rom";  // libvirt's default
        into.loader = os.context().resolve(loader->element().line, loader->text());
        if (into.loader.empty()) loader->invalid("<loader> names no file");
        loader->finish();
    } else if (os.element().find("firmware") != nullptr) {
        os.outside(os.element().line, "firmware= without <loader>", os.path());
    }
    auto nvram = os.child("nvram");
    if (!nvram) return;
    into.nvram_template = nvram->path_attribute("template");
    if (const auto kind = nvram->attribute("type"); kind && *kind == "file") {
        auto source = nvram->child("source");
        into.nvram = source ? source->path_attribute("file") : "";
        if (source) source->finish();
    } else if (kind) {
        nvram->bad_value("type", *kind);
    } else {
        into.nvram = os.context().resolve(nvram->element().line, nvram->text());
    }
    nvram->finish();
}

// What an attribute of <cpu> said, as it will be written again.
std::string kept_attributes(Cursor& cpu) {
    codec::xml::Element only{.name = "cpu"};
    for (const auto& attribute : cpu.element().attributes)
        if (attribute.ns.empty() && is_one_of(attribute.name, kCpuKeptAttributes)) {
            only.attributes.push_back(attribute);
            cpu.attribute(attribute.name);
        }
    if (only.attributes.empty()) return {};
    constexpr std::string_view kOpen = "<cpu ";
    constexpr std::string_view kClose = "/>";
    const auto text = codec::xml::write_fragment(only);
    return text.substr(kOpen.size(), text.size() - kOpen.size() - kClose.size());
}

void read_topology(Cursor& cpu, Cpu& into) {
    auto topology = cpu.child("topology");
    if (!topology) return;
    const auto count = [&](std::string_view name) {
        const auto value = topology->number(name);
        if (!value || *value == 0) topology->invalid(fmt::format("<topology> has no {}= of at least 1", name));
        return value.value_or(0);
    };
    const auto sockets = count("sockets");
    const auto cores = count("cores");
    into.topology = {sockets, cores, count("threads")};
    topology->finish();
}

void read_cpu_features(Cursor& cpu, Cpu& into) {
    for (const auto* element : cpu.children("feature")) {
        Cursor feature = cpu.at(*element, into.features.size() + 1);
        auto name = feature.attribute_or("name");
        if (name.empty()) feature.invalid("<feature> of /domain/cpu has no name=");
        const bool stated = element->find("policy") != nullptr;
        auto policy = feature.one_of("policy", kCpuPolicies);
        into.features.emplace_back(std::move(name), stated ? std::move(policy) : "require");
        feature.finish();
    }
}

}  // namespace

void read_os(Cursor& root, Domain& domain) {
    auto os = root.child("os");
    if (!os) return;
    Os& into = domain.os;
    read_type(*os, into);
    read_firmware(*os, into);
    into.kernel = os->child_path("kernel");
    into.initrd = os->child_path("initrd");
    into.cmdline = os->child_text("cmdline");
    for (const auto* element : os->children("boot")) {
        Cursor boot = os->at(*element, 1);
        into.boot.push_back(boot.one_of("dev", kBootDevices));
        if (into.boot.back().empty()) boot.invalid("<boot> of /domain/os has no dev=");
        boot.finish();
    }
    os->finish();
}

void read_cpu(Cursor& root, Domain& domain) {
    auto cpu = root.child("cpu");
    if (!cpu) return;
    Cpu& into = domain.cpu;
    into.mode = cpu->word("mode", kCpuModes, CpuMode::hypervisor_default);
    into.kept_attributes = kept_attributes(*cpu);
    if (auto model = cpu->child("model")) {
        into.model = model->text();
        if (into.mode == CpuMode::hypervisor_default) into.mode = CpuMode::custom;  // libvirt's rule
        model->finish();
    }
    read_topology(*cpu, into);
    read_cpu_features(*cpu, into);
    cpu->finish();
}

void read_features(Cursor& root, Domain& domain) {
    auto features = root.child("features");
    if (!features) return;
    for (const auto& element : features->element().children) {
        if (!element.ns.empty() || !is_one_of(element.name, kFeatures)) continue;
        auto feature = features->child(element.name);  // also says when it stands there twice
        domain.features.emplace_back(element.name, feature->one_of("state", kStates));
        feature->finish();
    }
    features->finish();
}

void read_clock(Cursor& root, Domain& domain) {
    auto clock = root.child("clock");
    if (!clock) return;
    if (const auto offset = clock->one_of("offset", kClockOffsets); !offset.empty()) domain.clock.offset = offset;
    static constexpr std::array<std::string_view, 5> kTimerAttributes{"tickpolicy", "present", "track", "frequency", "mode"};
    for (const auto* element : clock->children("timer")) {
        Cursor timer = clock->at(*element, domain.clock.timers.size() + 1);
        Timer into{timer.attribute_or("name"), {}};
        if (into.name.empty()) timer.invalid("<timer> has no name=");
        for (const auto& attribute : element->attributes)
            if (attribute.ns.empty() && is_one_of(attribute.name, kTimerAttributes)) {
                into.attributes.emplace_back(attribute.name, attribute.value);
                timer.attribute(attribute.name);
            }
        timer.finish();
        domain.clock.timers.push_back(std::move(into));
    }
    clock->finish();
}

}  // namespace stasis::model
