#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/checked.h"
#include "model/xml/read_parts.h"

namespace stasis::model {

namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::optional<std::uint64_t> number_of(std::string_view text) {
    text = trimmed(text);
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

// libvirt's units: "b" and "bytes"; "KB" is 1000, "K" and "KiB" 1024, in either case, and so on up to E.
std::optional<std::uint64_t> scale_of(std::string_view unit) {
    const auto is = [&](std::string_view word) {
        if (unit.size() != word.size()) return false;
        for (std::size_t i = 0; i < word.size(); ++i)
            if ((unit[i] | 0x20) != (word[i] | 0x20)) return false;
        return true;
    };
    if (is("b") || is("byte") || is("bytes")) return 1;
    std::uint64_t binary = 1;
    std::uint64_t decimal = 1;
    for (const char letter : std::string_view("kmgtpe")) {
        binary *= 1024;
        decimal *= 1000;
        const std::string prefix(1, letter);
        if (is(prefix) || is(prefix + "ib")) return binary;
        if (is(prefix + "b")) return decimal;
    }
    return std::nullopt;
}

constexpr std::uint64_t kMiB = 1u << 20;

// Rounded up to whole MiB, as libvirt's QEMU driver does.
std::uint64_t read_memory_element(Cursor& memory) {
    const auto scale = scale_of(memory.attribute_or("unit", "KiB"));
    if (!scale) memory.bad_value("unit", memory.attribute_or("unit"));
    const auto amount = number_of(memory.text());
    if (!amount) memory.invalid(fmt::format("<{}> is not a whole number", memory.element().name));
    memory.finish();
    if (!scale || !amount) return 0;
    const auto bytes = checked_mul<std::uint64_t>(*amount, *scale);
    const auto rounded = bytes ? checked_round_up<std::uint64_t>(*bytes, kMiB) : std::nullopt;
    if (!rounded || *rounded > kDomainMemoryBytesMax)
        memory.invalid(fmt::format("<{}> is more than {} TiB", memory.element().name, kDomainMemoryBytesMax >> 40));
    return rounded.value_or(0);
}

void read_memory(Cursor& root, Domain& domain) {
    auto memory = root.child("memory");
    if (!memory) return root.invalid("there is no <memory> in /domain", "say how much memory the guest has");
    domain.memory_bytes = read_memory_element(*memory);
    auto current = root.child("currentMemory");
    if (!current || read_memory_element(*current) == domain.memory_bytes) return;
    // A guest that starts with part of its memory ballooned away: nothing in the model says so.
    root.outside(current->element().line, "<currentMemory> that differs from <memory>", root.path());
}

void read_vcpus(Cursor& root, Domain& domain) {
    auto vcpu = root.child("vcpu");
    if (!vcpu) return;
    const auto count = number_of(vcpu->text());
    if (!count || *count == 0 || *count > kDomainVcpusMax)
        vcpu->invalid(fmt::format("<vcpu> is not a number from 1 to {}", kDomainVcpusMax));
    else
        domain.vcpus = static_cast<std::uint32_t>(*count);
    const auto current = vcpu->number("current");
    if (current && *current != domain.vcpus)
        root.outside(vcpu->element().line, "<vcpu> with fewer vCPUs online than there are", root.path());
    vcpu->finish();
}

std::string read_action(Cursor& root, std::string_view name, std::span<const std::string_view> words) {
    const std::string action(trimmed(root.child_text(name)));
    if (!action.empty() && std::ranges::find(words, action) == words.end())
        root.invalid(fmt::format("<{}> is '{}', which is no action", name, action));
    return action;
}

std::optional<bool> read_suspend(Cursor& pm, std::string_view name) {
    auto state = pm.child(name);
    if (!state) return std::nullopt;
    const bool has_word = state->element().find("enabled") != nullptr;
    const bool enabled = state->yes("enabled", true);
    state->finish();
    return has_word ? std::optional(enabled) : std::nullopt;
}

void read_identity(Cursor& root, Domain& domain) {
    auto name = DomainName::parse(root.child_text("name"));
    if (name)
        domain.name = *std::move(name);
    else
        root.invalid(fmt::format("<name> is no domain name: {}", name.error().why), "give the domain a name");
    if (const std::string text(trimmed(root.child_text("uuid"))); !text.empty()) {
        const auto uuid = Uuid::parse(text);
        if (uuid)
            domain.uuid = *uuid;
        else
            root.invalid(fmt::format("<uuid> is no uuid: {}", uuid.error().why));
    }
    domain.title = root.child_text("title");
    domain.description = root.child_text("description");
}

}  // namespace

void read_general(Cursor& root, Domain& domain) {
    read_identity(root, domain);
    read_memory(root, domain);
    read_vcpus(root, domain);
    domain.on_poweroff = read_action(root, "on_poweroff", kPowerActions);
    domain.on_reboot = read_action(root, "on_reboot", kPowerActions);
    domain.on_crash = read_action(root, "on_crash", kCrashActions);
    if (auto pm = root.child("pm")) {
        domain.suspend_to_mem = read_suspend(*pm, "suspend-to-mem");
        domain.suspend_to_disk = read_suspend(*pm, "suspend-to-disk");
        pm->finish();
    }
}

void read_qemu_commandline(Cursor& root, Domain& domain) {
    const std::string place = root.path() + "/qemu:commandline";
    const auto required = [](Cursor& item, std::string_view name) {
        auto value = item.attribute(name);
        if (!value) item.invalid(fmt::format("<{}> has no {}=", item.element().qualified_name(), name));
        return value.value_or("");
    };
    for (const auto* commandline : root.children("commandline", kQemuNamespace)) {
        Cursor all(root.context(), *commandline, place);
        for (const auto& item : commandline->children) {
            const bool known = item.ns == kQemuNamespace && (item.name == "arg" || item.name == "env");
            if (!known) continue;
            Cursor cursor(root.context(), item, place + "/" + item.name);
            if (item.name == "arg")
                domain.qemu_args.push_back(required(cursor, "value"));
            else
                domain.qemu_env.emplace_back(required(cursor, "name"), cursor.attribute_or("value"));
            cursor.finish();
        }
        all.children("arg", kQemuNamespace);
        all.children("env", kQemuNamespace);
        all.finish();
    }
}

}  // namespace stasis::model
