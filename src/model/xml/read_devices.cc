#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "model/xml/read_parts.h"

namespace stasis::model {

namespace {

bool read_rng(Cursor& rng, Domain& domain) {
    if (const auto model = rng.attribute_or("model"); model != "virtio") return rng.skip(fmt::format("model='{}'", model));
    Rng into;
    if (auto backend = rng.child("backend")) {
        if (const auto model = backend->attribute_or("model"); model != "random")
            return rng.skip(fmt::format("backend model='{}'", model));
        if (auto path = backend->text(); !path.empty()) into.backend = rng.context().resolve(backend->element().line, path);
        backend->finish();
    }
    into.address = read_address(rng);
    into.alias = read_alias(rng);
    rng.finish();
    domain.rngs.push_back(std::move(into));
    return true;
}

bool read_balloon(Cursor& balloon, Domain& domain) {
    const auto model = balloon.attribute_or("model", "virtio");
    if (!is_one_of(model, kBalloonModels)) return balloon.skip(fmt::format("model='{}'", model));
    if (!domain.balloon_model.empty()) balloon.invalid("there is a second <memballoon>", "leave one");
    domain.balloon_model = model;
    domain.balloon_address = read_address(balloon);
    balloon.finish();
    return true;
}

bool read_tpm(Cursor& tpm, Domain& domain) {
    if (domain.tpm) tpm.invalid("there is a second <tpm>", "leave one");
    Tpm into;
    const bool has_model = tpm.element().find("model") != nullptr;
    const auto model = tpm.one_of("model", kTpmModels);
    into.model = has_model ? model : "tpm-tis";  // libvirt's default for x86
    if (auto backend = tpm.child("backend")) {
        if (const auto type = backend->attribute_or("type"); type != "emulator") return tpm.skip(fmt::format("backend type='{}'", type));
        if (const auto version = backend->one_of("version", kTpmVersions); !version.empty()) into.version = version;
        backend->finish();
    } else {
        tpm.invalid("<tpm> has no <backend type='emulator'>");
    }
    tpm.finish();
    domain.tpm = std::move(into);
    return true;
}

// Its address, alias and attributes are known; what else it holds is kept for whoever builds the device.
bool read_controller(Cursor& controller, Domain& domain) {
    Controller into;
    into.type = controller.attribute_or("type");
    if (!is_one_of(into.type, kControllerTypes)) return controller.skip(fmt::format("type='{}'", into.type));
    into.model = controller.attribute_or("model");
    into.index = controller.number("index").value_or(0);
    into.address = read_address(controller);
    into.alias = read_alias(controller);
    for (const auto& child : controller.element().children) {
        if (!child.ns.empty() || (child.name != "model" && child.name != "target" && child.name != "master")) continue;
        codec::xml::Element alone = child;
        alone.tail.clear();
        into.inner_xml += codec::xml::write_fragment(alone);
        controller.children(child.name);
    }
    controller.finish();
    domain.controllers.push_back(std::move(into));
    return true;
}

bool read_input(Cursor& input, Domain& domain) {
    Input into;
    into.type = input.attribute_or("type");
    if (!is_one_of(into.type, kInputTypes)) return input.skip(fmt::format("type='{}'", into.type));
    into.bus = input.attribute_or("bus", into.type == "tablet" ? "usb" : "ps2");
    if (!is_one_of(into.bus, kInputBuses)) return input.skip(fmt::format("bus='{}'", into.bus));
    into.address = read_address(input);
    into.alias = read_alias(input);
    input.finish();
    domain.inputs.push_back(std::move(into));
    return true;
}

bool read_video(Cursor& video, Domain& domain) {
    Video into;
    auto model = video.child("model");
    into.model = model ? model->attribute_or("type") : "";
    if (!is_one_of(into.model, kVideoModels)) return video.skip(fmt::format("model type='{}'", into.model));
    into.vram_kib = model->number("vram");
    model->finish();
    into.address = read_address(video);
    into.alias = read_alias(video);
    video.finish();
    domain.videos.push_back(std::move(into));
    return true;
}

bool read_serial(Cursor& serial, Domain& domain) {
    CharDevice into;
    if (!read_char(serial, into)) return false;
    domain.serials.push_back(std::move(into));
    return true;
}

// The TCO timer is part of every q35 machine and resets it; libvirt 9.1 and later only say so.
bool read_watchdog(Cursor& watchdog, Domain&) {
    const auto model = watchdog.attribute_or("model");
    if (model != "itco" || watchdog.attribute_or("action", "reset") != "reset") return watchdog.skip(fmt::format("model='{}'", model));
    codec::xml::Element alone = watchdog.element();
    alone.tail.clear();
    watchdog.context().kept.push_back({"/domain/devices", codec::xml::write_fragment(alone)});
    return true;
}

// One kind of device: how many the domain has, and how one more is read.
struct Kind {
    std::string_view element;
    std::size_t (*count)(const Domain&);
    bool (*read)(Cursor&, Domain&);
};
constexpr auto kNoNumber = [](const Domain&) -> std::size_t { return 0; };  // there can be only one
constexpr Kind kKinds[] = {
    {"disk", [](const Domain& d) { return d.disks.size(); }, read_disk},
    {"interface", [](const Domain& d) { return d.interfaces.size(); }, read_interface},
    {"serial", [](const Domain& d) { return d.serials.size(); }, read_serial},
    {"channel", [](const Domain& d) { return d.channels.size(); }, read_channel},
    {"graphics", kNoNumber, read_graphics},
    {"video", [](const Domain& d) { return d.videos.size(); }, read_video},
    {"input", [](const Domain& d) { return d.inputs.size(); }, read_input},
    {"rng", [](const Domain& d) { return d.rngs.size(); }, read_rng},
    {"memballoon", kNoNumber, read_balloon},
    {"tpm", kNoNumber, read_tpm},
    {"controller", [](const Domain& d) { return d.controllers.size(); }, read_controller},
    {"watchdog", kNoNumber, read_watchdog},
};

// A device that is left out takes along what was kept of it.
bool read_one(Cursor& devices, const codec::xml::Element& element, const Kind& kind, Domain& domain) {
    auto& kept = devices.context().kept;
    const auto before = kept.size();
    Cursor device = devices.at(element, kind.count(domain) + 1);
    const bool part = kind.read(device, domain);
    if (!part) kept.resize(before);
    return part;
}

bool is_serial_console(const codec::xml::Element& console) {
    for (const auto& child : console.children)
        if (const auto* type = child.find("type"); child.name == "target" && type != nullptr) return *type == "serial";
    return true;  // libvirt's default
}

bool read_virtio_console(Cursor& console, Domain& domain) {
    CharDevice into;
    if (!read_char(console, into)) return false;
    if (into.target_type != "virtio") return console.skip(fmt::format("target type='{}'", into.target_type));
    domain.consoles.push_back(std::move(into));
    return true;
}

// libvirt writes the first serial port a second time as the first console; a serial console without a serial port is
// that port. So in the model a console is always a virtio console.
void read_consoles(Cursor& devices, Domain& domain) {
    static constexpr Kind kSerial{"serial", [](const Domain& d) { return d.serials.size(); }, read_serial};
    static constexpr Kind kConsole{"console", [](const Domain& d) { return d.consoles.size(); }, read_virtio_console};
    bool first = true;
    for (const auto* element : devices.children("console")) {
        if (!is_serial_console(*element)) {
            read_one(devices, *element, kConsole, domain);
        } else if (!first) {
            devices.context().invalid(element->line, "only the first console can be a serial port", "write <serial>");
        } else if (domain.serials.empty()) {
            if (read_one(devices, *element, kSerial, domain)) domain.serials.back().target_type.clear();
        } else {
            Domain copy;  // read for its mistakes only
            auto& kept = devices.context().kept;
            const auto before = kept.size();
            read_one(devices, *element, kSerial, copy);
            kept.resize(before);
        }
        first = false;
    }
}

}  // namespace

std::optional<Address> read_address(Cursor& device) {
    auto address = device.child("address");
    if (!address) return std::nullopt;
    Address into{address->attribute_or("type"), {}};
    for (const auto& attribute : address->element().attributes) {
        if (!attribute.ns.empty() || attribute.name == "type") continue;
        into.attributes.emplace_back(attribute.name, attribute.value);
        address->attribute(attribute.name);
    }
    address->finish();
    return into;
}

std::string read_alias(Cursor& device) {
    auto alias = device.child("alias");
    if (!alias) return {};
    auto name = alias->attribute_or("name");
    alias->finish();
    return name;
}

std::optional<std::uint32_t> read_boot_order(Cursor& device) {
    auto boot = device.child("boot");
    if (!boot) return std::nullopt;
    const auto order = boot->number("order");
    if (!order || *order == 0) boot->invalid("<boot> has no order= of at least 1");
    boot->finish();
    return order;
}

void read_devices(Cursor& root, Domain& domain) {
    auto devices = root.child("devices");
    if (!devices) return;
    domain.emulator = devices->child_text("emulator");
    if (!domain.emulator.empty() && domain.emulator[0] != '/')
        devices->invalid(fmt::format("<emulator> is '{}', which is no absolute path", domain.emulator));
    for (const auto& element : devices->element().children) {
        const auto* kind = std::ranges::find_if(kKinds, [&](const Kind& k) { return element.ns.empty() && k.element == element.name; });
        if (kind != std::end(kKinds)) read_one(*devices, element, *kind, domain);
    }
    for (const auto& kind : kKinds) devices->children(kind.element);
    read_consoles(*devices, domain);
    devices->finish();
}

}  // namespace stasis::model
