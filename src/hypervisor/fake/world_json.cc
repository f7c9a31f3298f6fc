#include <nlohmann/json.hpp>

#include "base/result.h"
#include "hypervisor/fake/world.h"

// The file is ours and read back by the same version; a damaged one is an error, never a guess.
namespace stasis::fake {

using nlohmann::json;

namespace {

json pairs_to(const std::map<std::uint64_t, std::uint64_t>& map) {
    json list = json::array();
    for (const auto& [key, value] : map) list.push_back({key, value});
    return list;
}
std::map<std::uint64_t, std::uint64_t> pairs_from(const json& list) {
    std::map<std::uint64_t, std::uint64_t> map;
    for (const auto& pair : list) map[pair.at(0).get<std::uint64_t>()] = pair.at(1).get<std::uint64_t>();
    return map;
}

std::string format_to(model::ImageFormat format) { return format == model::ImageFormat::raw ? "raw" : "qcow2"; }
model::ImageFormat format_from(const json& text) {
    return text.get<std::string>() == "raw" ? model::ImageFormat::raw : model::ImageFormat::qcow2;
}

/// Thrown across the few lines to read(), where nlohmann's own exceptions are caught too.
DiskTarget target_from(const json& text) {
    auto target = DiskTarget::parse(text.get<std::string>());
    if (!target) throw std::invalid_argument(target.error().render());
    return *target;
}

json image_to(const Image& image) {
    json snapshots = json::array();
    for (const auto& snapshot : image.snapshots)
        snapshots.push_back({{"name", snapshot.name}, {"clusters", pairs_to(snapshot.clusters)}});
    return {{"format", format_to(image.format)}, {"bytes", image.virtual_bytes}, {"backing", image.backing_path},
            {"backing_format", format_to(image.backing_format)}, {"clusters", pairs_to(image.clusters)},
            {"snapshots", snapshots}, {"writable", image.writable}, {"was_active", image.was_active},
            {"damaged", image.damaged}, {"inode", image.inode}, {"changed", image.changed}};
}
Image image_from(const json& j) {
    Image image{.format = format_from(j.at("format")), .virtual_bytes = j.at("bytes"), .backing_path = j.at("backing"),
                .backing_format = format_from(j.at("backing_format")), .clusters = pairs_from(j.at("clusters")),
                .snapshots = {}, .writable = j.at("writable"), .was_active = j.at("was_active"), .damaged = j.at("damaged"),
                .inode = j.at("inode"), .changed = j.at("changed")};
    for (const auto& snapshot : j.at("snapshots"))
        image.snapshots.push_back({snapshot.at("name"), pairs_from(snapshot.at("clusters"))});
    return image;
}

json memory_to(const Memory& memory) {
    return {{"counter", memory.counter}, {"nonce", memory.nonce}, {"pages", pairs_to(memory.pages)}};
}
Memory memory_from(const json& j) {
    return {.counter = j.at("counter"), .nonce = j.at("nonce"), .pages = pairs_from(j.at("pages"))};
}

json chain_image_to(const model::ChainImage& image) {
    return {{"id", image.id.value}, {"path", image.path}, {"format", format_to(image.format)}};
}
model::ChainImage chain_image_from(const json& j) {
    return {.id = {j.at("id").get<std::uint32_t>()}, .path = j.at("path"), .format = format_from(j.at("format"))};
}

json disk_to(const GuestDisk& disk) {
    json chain = json::array();
    for (const auto& image : disk.chain) chain.push_back(chain_image_to(image));
    return {{"target", disk.target.str()}, {"chain", chain}, {"read_only", disk.read_only}, {"shareable", disk.shareable}};
}
GuestDisk disk_from(const json& j) {
    GuestDisk disk{.target = target_from(j.at("target")), .chain = {}, .read_only = j.at("read_only"), .shareable = j.at("shareable")};
    for (const auto& image : j.at("chain")) disk.chain.push_back(chain_image_from(image));
    return disk;
}

json overlay_to(const model::Overlay& overlay) {
    return {{"target", overlay.target.str()}, {"image", chain_image_to(overlay.image)}, {"backing", overlay.backing.value}};
}
model::Overlay overlay_from(const json& j) {
    return {target_from(j.at("target")), chain_image_from(j.at("image")), {j.at("backing").get<std::uint32_t>()}};
}

json guest_to(const model::GuestRef& ref, const Guest& guest) {
    json disks = json::array();
    for (const auto& disk : guest.disks) disks.push_back(disk_to(disk));
    json opened = json::array();
    for (const auto& overlay : guest.opened) opened.push_back(overlay_to(overlay));
    json merging = json::array();
    for (const auto& merge : guest.merging)
        merging.push_back({{"target", merge.target.str()}, {"top", merge.top.value}, {"base", merge.base.value}});
    json streaming;
    if (guest.streaming) streaming = {{"token", guest.streaming->token}, {"path", guest.streaming->path}};
    return {{"domain", ref.domain.str()}, {"generation", ref.generation}, {"running", guest.state == DomainState::running},
            {"parked", guest.parked}, {"awaiting_memory", guest.awaiting_memory}, {"deaf", guest.deaf},
            {"shutdown_asked", guest.shutdown_asked}, {"pid", guest.pid}, {"start_ticks", guest.start_ticks},
            {"machine", guest.machine}, {"disks", disks}, {"opened", opened}, {"memory", memory_to(guest.memory)},
            {"streaming", streaming}, {"merging", merging}, {"can_background", guest.can_background}, {"can_migrate", guest.can_migrate}};
}
Guest guest_from(const json& j) {
    Guest guest{.state = j.at("running").get<bool>() ? DomainState::running : DomainState::paused, .parked = j.at("parked"),
                .awaiting_memory = j.at("awaiting_memory"), .deaf = j.at("deaf"), .shutdown_asked = j.at("shutdown_asked"),
                .pid = j.at("pid"), .start_ticks = j.at("start_ticks"), .machine = j.at("machine")};
    for (const auto& disk : j.at("disks")) guest.disks.push_back(disk_from(disk));
    for (const auto& overlay : j.at("opened")) guest.opened.push_back(overlay_from(overlay));
    guest.memory = memory_from(j.at("memory"));
    if (const auto& streaming = j.at("streaming"); !streaming.is_null())
        guest.streaming = Streaming{streaming.at("token"), streaming.at("path")};
    for (const auto& merge : j.at("merging"))
        guest.merging.push_back({target_from(merge.at("target")), {merge.at("top").get<std::uint32_t>()},
                                 {merge.at("base").get<std::uint32_t>()}});
    guest.can_background = j.at("can_background");
    guest.can_migrate = j.at("can_migrate");
    return guest;
}

World world_from(const json& j) {
    World world;
    for (const auto& guest : j.at("guests")) {
        auto uuid = Uuid::parse(guest.at("domain").get<std::string>());
        if (!uuid) throw std::invalid_argument(uuid.error().render());
        world.guests[{*uuid, guest.at("generation").get<std::uint32_t>()}] = guest_from(guest);
    }
    for (const auto& [path, image] : j.at("images").items()) world.images[path] = image_from(image);
    for (const auto& [path, content] : j.at("files").items()) world.files[path] = content.get<std::string>();
    for (const auto& path : j.at("folders")) world.folders.insert(path.get<std::string>());
    for (const auto& path : j.at("gone")) world.gone.insert(path.get<std::string>());
    world.free_bytes = j.at("free_bytes");
    world.sequence = j.at("sequence");
    world.violations = j.at("violations").get<std::vector<std::string>>();
    return world;
}

template <class Read>
auto read(const std::string& text, const std::string& source, std::string_view attempted, Read&& read)
    -> Result<decltype(read(json()))> {
    try {
        return read(json::parse(text));
    } catch (const std::exception& error) {
        return fail(ErrorKind::corrupt, std::string(attempted), source, error.what());
    }
}

// Paths and names are bytes to us; JSON wants UTF-8. What is not UTF-8 is replaced: the fake may forget such a path.
std::string dump(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::string world_to_text(const World& world) {
    json guests = json::array();
    for (const auto& [ref, guest] : world.guests) guests.push_back(guest_to(ref, guest));
    json images = json::object();
    for (const auto& [path, image] : world.images) images[path] = image_to(image);
    return dump({{"guests", guests}, {"images", images}, {"files", world.files}, {"folders", world.folders},
                 {"gone", world.gone}, {"free_bytes", world.free_bytes}, {"sequence", world.sequence},
                 {"violations", world.violations}});
}

Result<World> world_from_text(const std::string& text, const std::string& source) {
    return read(text, source, "read the fake host", world_from);
}

std::string memory_to_text(const SavedMemory& saved) {
    return dump({{"format", "fake-memory"}, {"machine", saved.machine}, {"memory", memory_to(saved.memory)}});
}

Result<SavedMemory> memory_from_text(const std::string& text, const std::string& source) {
    return read(text, source, "read the memory image", [](const json& j) {
        if (j.at("format") != "fake-memory") throw std::invalid_argument("it is no memory image");
        return SavedMemory{memory_from(j.at("memory")), j.at("machine")};
    });
}

}  // namespace stasis::fake
