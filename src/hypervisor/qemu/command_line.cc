#include "hypervisor/qemu/command_line.h"

#include "hypervisor/qemu/command_builder.h"

namespace stasis::hypervisor::qemu {
namespace {

void add_monitor(CommandBuilder& builder, const std::string& id, const std::string& path) {
    const int number = builder.listen(path);
    builder.option("-chardev", "socket,id=" + id + ",fd=" + std::to_string(number) + ",server=on,wait=off");
    builder.option("-mon", "chardev=" + id + ",mode=control");
}

}  // namespace

std::string escaped(std::string_view value) {
    std::string text;
    text.reserve(value.size());
    for (const char c : value) {
        text += c;
        if (c == ',') text += ',';
    }
    return text;
}

std::unexpected<Error> not_expressible(std::string what, std::string why, std::string next) {
    return fail(ErrorKind::unsupported, "describe the guest to QEMU", std::move(what), std::move(why), std::move(next));
}

Result<CommandLine> build_command_line(const CommandLineInput& input) {
    const model::Domain& domain = input.request.definition;
    STASIS_TRY(const MachineTraits traits, machine_traits(domain));
    CommandBuilder builder{.input = input, .domain = domain, .traits = traits, .places = PciPlaces(domain, traits)};
    builder.option(input.host.emulator);
    add_monitor(builder, "monitor-c", input.folder.commands());
    add_monitor(builder, "monitor-q", input.folder.queries());
    STASIS_CHECK(add_machine(builder));
    STASIS_CHECK(add_controllers(builder));
    STASIS_CHECK(add_devices(builder));
    STASIS_CHECK(add_disks(builder));
    STASIS_CHECK(add_characters(builder));
    if (input.request.await_memory) builder.option("-incoming", "defer");
    for (const std::string& argument : domain.qemu_args) builder.option(argument);
    builder.line.environment = domain.qemu_env;
    return std::move(builder.line);
}

}  // namespace stasis::hypervisor::qemu
