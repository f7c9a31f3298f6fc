#include "engine/step_note.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace stasis::engine {
namespace {

using Json = nlohmann::json;

Json write(const port::CaptureReport& report) {
    return {{"pause_us", report.pause_us ? Json(*report.pause_us) : Json(nullptr)},
            {"method", to_string(report.method)},
            {"memory_file_bytes", report.memory_file_bytes},
            {"memory_guest_bytes", report.memory_guest_bytes}};
}

Json write(const model::GuestProcess& process) {
    return {{"generation", process.generation}, {"pid", process.pid}, {"start_ticks", process.start_ticks}};
}

// The reading side may throw nlohmann's exceptions; step_note_from() is where they end.
port::CaptureReport read_capture(const Json& json) {
    port::CaptureReport report;
    if (!json.at("pause_us").is_null()) report.pause_us = json.at("pause_us").get<std::int64_t>();
    const auto method = memory_method_from(json.at("method").get_ref<const std::string&>());
    if (!method) throw Json::other_error::create(599, "unknown method", nullptr);
    report.method = *method;
    report.memory_file_bytes = json.at("memory_file_bytes").get<std::uint64_t>();
    report.memory_guest_bytes = json.at("memory_guest_bytes").get<std::uint64_t>();
    return report;
}

model::GuestProcess read_process(const Json& json) {
    return {json.at("generation").get<std::uint32_t>(), json.at("pid").get<std::int64_t>(),
            json.at("start_ticks").get<std::uint64_t>()};
}

StepNote read(const Json& json) {
    StepNote note;
    note.existed = json.value("existed", false);
    note.was_running = json.value("was_running", false);
    note.switched = json.value("switched", false);
    note.previous = json.value("previous", std::string());
    if (json.contains("capture")) note.capture = read_capture(json.at("capture"));
    if (json.contains("process")) note.process = read_process(json.at("process"));
    if (json.contains("resumed_at")) note.resumed_at = UnixMicros{json.at("resumed_at").get<std::int64_t>()};
    note.restored_guest_bytes = json.value("restored_guest_bytes", std::uint64_t{0});
    return note;
}

}  // namespace

std::string to_text(const StepNote& note) {
    Json json = Json::object();
    if (note.existed) json["existed"] = true;
    if (note.was_running) json["was_running"] = true;
    if (note.switched) json["switched"] = true;
    if (!note.previous.empty()) json["previous"] = note.previous;
    if (note.capture) json["capture"] = write(*note.capture);
    if (note.process) json["process"] = write(*note.process);
    if (note.resumed_at) json["resumed_at"] = note.resumed_at->value;
    if (note.restored_guest_bytes != 0) json["restored_guest_bytes"] = note.restored_guest_bytes;
    if (json.empty()) return {};
    // `previous` is XML that was parsed as UTF-8 when it was recorded; a damaged one must not stop a journal mark.
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<StepNote> step_note_from(std::string_view text) {
    if (text.empty()) return StepNote{};
    try {
        return read(Json::parse(text));
    } catch (const Json::exception& error) {
        return fail(ErrorKind::corrupt, "read a step's outcome from the journal", {}, error.what());
    }
}

void absorb(Outcome& outcome, const StepNote& note) {
    if (note.capture) outcome.capture = note.capture;
    if (note.process) outcome.process = note.process;
    if (note.resumed_at) outcome.resumed_at = note.resumed_at;
    outcome.restored_guest_bytes += note.restored_guest_bytes;
}

}  // namespace stasis::engine
