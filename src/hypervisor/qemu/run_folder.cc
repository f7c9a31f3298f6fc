#include "hypervisor/qemu/run_folder.h"

#include <algorithm>
#include <charconv>

#include "codec/qmp/json.h"

namespace stasis::hypervisor::qemu {

using codec::qmp::integer_of;
using codec::qmp::Json;
using codec::qmp::list_of;
using codec::qmp::member;
using codec::qmp::text_of;

namespace {

constexpr std::uint64_t kLogTailBytes = 2048;
constexpr std::string_view kRecordFormat = "stasis-guest-1";

std::string domain_folder(const std::string& root, const Uuid& domain) { return root + "/run/" + domain.str(); }

Json process_json(const seam::SpawnedProcess& process) {
    return {{"pid", process.pid}, {"start_ticks", std::to_string(process.start_ticks)}};
}

std::optional<seam::SpawnedProcess> process_from(const Json& value) {
    const auto pid = integer_of(value, "pid");
    const std::string ticks = text_of(value, "start_ticks");
    seam::SpawnedProcess process{.pid = pid.value_or(0)};
    const auto [end, code] = std::from_chars(ticks.data(), ticks.data() + ticks.size(), process.start_ticks);
    if (process.pid <= 1 || code != std::errc() || end != ticks.data() + ticks.size()) return std::nullopt;
    return process;
}

Json disk_json(const DiskOptions& disk) {
    return {{"target", disk.target.str()}, {"cache", disk.cache}, {"discard", disk.discard}, {"io", disk.io},
            {"detect_zeroes", disk.detect_zeroes}};
}

std::optional<DiskOptions> disk_from(const Json& value) {
    auto target = DiskTarget::parse(text_of(value, "target"));
    if (!target) return std::nullopt;
    return DiskOptions{*std::move(target), text_of(value, "cache"), text_of(value, "discard"), text_of(value, "io"),
                       text_of(value, "detect_zeroes")};
}

}  // namespace

RunFolder run_folder(const std::string& root, const model::GuestRef& guest) {
    return {domain_folder(root, guest.domain) + "/" + std::to_string(guest.generation)};
}

std::vector<std::uint32_t> standing_generations(seam::FileSystem& files, const std::string& root, const Uuid& domain) {
    std::vector<std::uint32_t> found;
    const auto names = files.list_folder(domain_folder(root, domain));
    if (!names) return found;
    for (const std::string& name : *names) {
        std::uint32_t number = 0;
        const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (code == std::errc() && end == name.data() + name.size()) found.push_back(number);
    }
    std::ranges::sort(found);
    return found;
}

Result<void> write_record(seam::FileSystem& files, const RunFolder& folder, const GuestRecord& record) {
    Json document = {{"format", kRecordFormat},           {"process", process_json(record.process)},
                     {"accelerator", record.accelerator}, {"version", record.version},
                     {"machine", record.machine},         {"sockets", record.sockets},
                     {"disks", Json::array()}};
    for (const DiskOptions& disk : record.disks) document["disks"].push_back(disk_json(disk));
    if (record.tpm) document["tpm"] = process_json(*record.tpm);
    if (record.replaced) document["replaced"] = *record.replaced;
    return seam::replace_file(files, folder.record(), codec::qmp::to_text(document));
}

Result<GuestRecord> read_record(seam::FileSystem& files, const RunFolder& folder) {
    STASIS_TRY(const std::string text, seam::read_file(files, folder.record(), kRunFileBytesMax));
    const auto document = codec::qmp::parse_json(text);
    const Json* process = document ? member(*document, "process") : nullptr;
    const auto main_process = process != nullptr ? process_from(*process) : std::nullopt;
    if (!main_process || text_of(*document, "format") != kRecordFormat)
        return fail(ErrorKind::corrupt, "read the record of a guest", folder.record(), "it is not in a known format");
    GuestRecord record{.process = *main_process,
                       .accelerator = text_of(*document, "accelerator"),
                       .version = text_of(*document, "version"),
                       .machine = text_of(*document, "machine")};
    if (const Json* tpm = member(*document, "tpm")) record.tpm = process_from(*tpm);
    for (const Json& value : list_of(*document, "disks"))
        if (auto disk = disk_from(value)) record.disks.push_back(*std::move(disk));
    for (const Json& value : list_of(*document, "sockets"))
        if (value.is_string()) record.sockets.push_back(value.get<std::string>());
    if (const auto replaced = integer_of(*document, "replaced"); replaced && *replaced >= 0 && *replaced <= UINT32_MAX)
        record.replaced = static_cast<std::uint32_t>(*replaced);
    return record;
}

Result<void> keep_state(seam::FileSystem& files, const RunFolder& folder, KeptState state) {
    const std::string_view word = state == KeptState::running  ? "running"
                                  : state == KeptState::paused ? "paused"
                                                               : "inactive";
    return seam::replace_file(files, folder.state(), word);
}

KeptState kept_state(seam::FileSystem& files, const RunFolder& folder) {
    const auto word = seam::read_file(files, folder.state(), kRunFileBytesMax);
    if (word && *word == "paused") return KeptState::paused;
    if (word && *word == "inactive") return KeptState::inactive;
    return KeptState::running;
}

std::string log_tail(seam::FileSystem& files, const std::string& path) {
    auto file = files.open_read(path);
    if (!file) return {};
    const auto size = (*file)->size();
    if (!size || *size == 0) return {};
    const std::uint64_t start = *size > kLogTailBytes ? *size - kLogTailBytes : 0;
    std::string text(*size - start, '\0');
    const auto count = (*file)->read_at(start, std::as_writable_bytes(std::span(text)));
    if (!count) return {};
    text.resize(*count);
    if (const auto line = text.find('\n'); start > 0 && line != std::string::npos) text.erase(0, line + 1);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    for (char& c : text) {
        if (c == '\n') c = '|';
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    return text;
}

Result<void> remove_run_folder(seam::FileSystem& files, const RunFolder& folder) {
    const auto names = files.list_folder(folder.path);
    if (!names) return names.error().kind == ErrorKind::not_found ? Result<void>() : std::unexpected(names.error());
    for (const std::string& name : *names) {
        auto removed = files.remove_file(folder.path + "/" + name);
        if (!removed && removed.error().kind != ErrorKind::not_found) return removed;
    }
    auto removed = files.remove_folder(folder.path);
    if (!removed && removed.error().kind != ErrorKind::not_found) return removed;
    (void)files.remove_folder(folder.path.substr(0, folder.path.rfind('/')));  // the domain's, with its last generation
    return {};
}

}  // namespace stasis::hypervisor::qemu
