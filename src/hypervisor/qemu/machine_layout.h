// Where devices sit in a guest, as far as the definition leaves it open. The placement depends on nothing but the
// definition: a reverted guest must find every device where it was. Owned by one command line; one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "codec/qmp/json.h"
#include "model/domain.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::Json;

/// What differs between machine families.
struct MachineTraits {
    bool x86 = true;
    bool pcie = false;
    std::string root_bus;              ///< "pcie.0" or "pci.0"
    std::uint32_t first_slot = 1;
    std::uint32_t last_slot = 0x1f;
    bool builtin_ahci = false;         ///< sata buses "ide.0" to "ide.5" exist
    bool builtin_ide = false;          ///< ide buses "ide.0" and "ide.1", two units each
};

/// unsupported: a machine type that this driver does not know how to fill.
Result<MachineTraits> machine_traits(const model::Domain& domain);

/// The value of an address attribute as a number ("0x1f", "5"); none when absent or no number.
[[nodiscard]] std::optional<std::uint32_t> address_number(const std::optional<model::Address>& address,
                                                          const std::string& name);

/// Hands out PCI places: the stated one, otherwise the next free slot of the root bus.
class PciPlaces {
public:
    /// Notes every stated address first, so that no device is put where a later one says it is.
    PciPlaces(const model::Domain& domain, MachineTraits traits);
    /// Adds "bus" and "addr" (and "multifunction") to a device. invalid: the stated bus is not there.
    /// unsupported: no slot is left.
    Result<void> place(Json& device, const std::optional<model::Address>& address);

private:
    void reserve(const std::optional<model::Address>& address);
    [[nodiscard]] Result<std::string> bus_name(std::uint32_t number) const;

    MachineTraits traits_;
    std::set<std::uint32_t> used_slots_;   ///< of the root bus
    std::set<std::uint32_t> buses_;        ///< controller indexes besides 0
};

}  // namespace stasis::hypervisor::qemu
