// The readers of the parts of a domain document. Each takes what it knows and leaves the rest to Cursor::finish().
// The ones that give bool say whether the device is part of the domain: false means it was left out as a whole.
// Pure apart from the context they fill; one thread.
#pragma once

#include "model/xml/cursor.h"

namespace stasis::model {

void read_general(Cursor& root, Domain& domain);  ///< name to vcpu, on_*, pm
void read_os(Cursor& root, Domain& domain);
void read_cpu(Cursor& root, Domain& domain);
void read_features(Cursor& root, Domain& domain);
void read_clock(Cursor& root, Domain& domain);
void read_qemu_commandline(Cursor& root, Domain& domain);
void read_devices(Cursor& root, Domain& domain);

bool read_disk(Cursor& disk, Domain& domain);
bool read_interface(Cursor& interface, Domain& domain);
/// A serial port, console or channel with one of the four back ends.
bool read_char(Cursor& device, CharDevice& into);
bool read_channel(Cursor& channel, Domain& domain);
bool read_graphics(Cursor& graphics, Domain& domain);

/// <address>, <alias> and <boot order=> are the same for all devices.
std::optional<Address> read_address(Cursor& device);
std::string read_alias(Cursor& device);
std::optional<std::uint32_t> read_boot_order(Cursor& device);
/// A path that libvirt made up for one run of the guest, below its own state folders.
[[nodiscard]] bool is_libvirt_run_path(std::string_view path);

}  // namespace stasis::model
