#include "hypervisor/qemu/probe_rom.h"

#include <string_view>

namespace stasis::hypervisor::qemu {
namespace {

// Runs at 0:7c00. In short: clear three pages and build identity page tables at 0x1000; protected mode; long mode;
// an IDT whose page fault gate is at 0x40e0; read an unmapped address; in the handler lock cmpxchg16b, three million
// turns of a loop, and out 0x21 to port 0xf4. Letters go to port 0xe9 on the way, for whoever attaches a debugcon.
constexpr std::string_view kPayload =
    "fa31c08ed88ed08ec0bc007cb052bae900ee66bf001000006631c066b9000c0000fc6766f3ab66c70600100320000066c706002003300000"
    "66c7060030830000000f0116587d0f20c00c010f22c0ea537c080066b810008ed88ed0b05066bae900eeb8200000000f22e0b8001000000f"
    "22d8b9800000c00f320d000100000f300f20c00d000000800f22c0ea927c00001800b04c66bae900ee0f011c255e7d0000bf00400000b800"
    "7c1800488d1c25f57c000089d825ffff00000d00001800890425e0400000c70425e4400000008e0000c70425e840000000000000c70425ec"
    "40000000000000b049eeb800000040488b00f4ebfdb04666bae900ee31c031d231db31c9f0480fc70c250060000066bae900b058eeb9c0c6"
    "2d00bf0050000048890f48031fffc975f6b044eeb02166baf400eef4ebfd66900000000000000000ffff0000009bcf00ffff00000093cf00"
    "ffff0000009baf001f00387d0000ff000040";
// At f000:fe00: copies 512 bytes from f000:fc00 to 0:7c00 and jumps there. At the reset vector: jumps to this.
constexpr std::string_view kCopier = "fab800f08ed831c08ec0be00fcbf007cb90001fcf3a5ea007c0000";
constexpr std::string_view kResetVector = "ea00fe00f0";

constexpr std::size_t kRomBytes = 64 * 1024;
constexpr char kHalt = '\xf4';

int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

void put(std::string& rom, std::size_t at, std::string_view hex) {
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        rom[at + i / 2] = static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
}

}  // namespace

std::string probe_rom() {
    std::string rom(kRomBytes, kHalt);
    rom.replace(0xfc00, 512, 512, '\0');
    put(rom, 0xfc00, kPayload);
    put(rom, 0xfe00, kCopier);
    put(rom, 0xfff0, kResetVector);
    return rom;
}

}  // namespace stasis::hypervisor::qemu
