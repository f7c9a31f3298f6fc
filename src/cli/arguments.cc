#include "cli/arguments.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace stasis::cli {

namespace {

struct Part {
    std::string key;
    std::optional<std::string> value;
};

// Splits at single commas; a doubled one stands for itself, as in QEMU's options.
std::vector<std::string> split_commas(std::string_view text) {
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != ',') {
            parts.back() += text[i];
        } else if (i + 1 < text.size() && text[i + 1] == ',') {
            parts.back() += ',';
            ++i;
        } else {
            parts.emplace_back();
        }
    }
    return parts;
}

std::vector<Part> split_parts(std::string_view text) {
    std::vector<Part> parts;
    for (const std::string& word : split_commas(text)) {
        const auto equals = word.find('=');
        if (equals == std::string::npos)
            parts.push_back({word, std::nullopt});
        else
            parts.push_back({word.substr(0, equals), word.substr(equals + 1)});
    }
    return parts;
}

std::unexpected<Error> bad_disk(std::string_view text, std::string why, const char* form) {
    return refuse(ErrorKind::invalid, "read --disk", fmt::format("'{}'", text), std::move(why), fmt::format("write {}", form));
}

constexpr const char* kDefineForm =
    "TARGET=PATH[,format=qcow2|raw][,bus=virtio|scsi|sata|ide][,readonly][,serial=S][,cache=C][,discard=D]";
constexpr const char* kRequestForm = "TARGET=no|internal|external[,path=FILE][,format=qcow2]";

std::string* field_of(DefineDisk& disk, const std::string& key) {
    if (key == "format") return &disk.format;
    if (key == "bus") return &disk.bus;
    if (key == "serial") return &disk.serial;
    if (key == "cache") return &disk.cache;
    if (key == "discard") return &disk.discard;
    return nullptr;
}

ErrorKind kind_of(int error_number) {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR: return ErrorKind::not_found;
        case EEXIST: return ErrorKind::exists;
        case EACCES:
        case EROFS:
        case EPERM: return ErrorKind::denied;
        case ENOSPC:
        case EDQUOT: return ErrorKind::no_space;
        case EINTR: return ErrorKind::interrupted;
        default: return ErrorKind::failed;
    }
}

}  // namespace

std::unexpected<Error> refuse(ErrorKind kind, std::string attempted, std::string subject, std::string why, std::string next) {
    return std::unexpected(Error{kind, std::move(attempted), std::move(subject), std::move(why), std::move(next), nullptr});
}

std::unexpected<Error> refuse_errno(int error_number, std::string attempted, std::string subject) {
    return refuse(kind_of(error_number), std::move(attempted), std::move(subject), std::strerror(error_number));
}

Result<std::string> absolute_path(const Environment& environment, std::string_view path) {
    if (path.empty()) return std::string();
    std::filesystem::path whole;
    if (!path.starts_with('/')) {
        if (environment.folder.empty())
            return refuse(ErrorKind::failed, "find", std::string(path), "the current folder cannot be told", "give an absolute path");
        whole = environment.folder;
    }
    whole /= path;
    std::string result;
    for (const auto& part : whole) {
        if (part == "/" || part == "." || part.empty()) continue;
        result += '/';
        result += part.native();
    }
    return result.empty() ? "/" : result;
}

Result<void> make_absolute(const Environment& environment, std::initializer_list<std::string*> paths) {
    for (std::string* path : paths) {
        auto absolute = absolute_path(environment, *path);
        if (!absolute) return std::unexpected(std::move(absolute).error());
        *path = *std::move(absolute);
    }
    return {};
}

Result<std::string> read_document(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) return refuse_errno(errno != 0 ? errno : EIO, "read", path);
    std::string text;
    char block[16 << 10];
    while (file.read(block, sizeof block), file.gcount() > 0) {
        text.append(block, static_cast<std::size_t>(file.gcount()));
        if (text.size() > kDocumentBytesMax)
            return refuse(ErrorKind::invalid, "read", path, fmt::format("it is longer than {}", format_bytes({kDocumentBytesMax})));
    }
    if (file.bad() || !file.eof()) return refuse_errno(errno != 0 ? errno : EIO, "read", path);
    return text;
}

Result<DefineDisk> parse_define_disk(const Environment& environment, std::string_view text) {
    const auto parts = split_parts(text);
    if (parts[0].key.empty() || parts[0].value.value_or("").empty())
        return bad_disk(text, "it must begin with TARGET=PATH", kDefineForm);
    auto path = absolute_path(environment, *parts[0].value);
    if (!path) return std::unexpected(std::move(path).error());
    DefineDisk disk;
    disk.target = parts[0].key;
    disk.path = *std::move(path);
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const auto& [key, value] = parts[i];
        if (key == "readonly" && !value) {
            disk.read_only = true;
            continue;
        }
        std::string* field = field_of(disk, key);
        if (field == nullptr) return bad_disk(text, fmt::format("'{}' is no setting of a disk", key), kDefineForm);
        if (value.value_or("").empty()) return bad_disk(text, fmt::format("'{}' needs a value", key), kDefineForm);
        *field = *value;
    }
    return disk;
}

Result<DiskRequest> parse_disk_request(const Environment& environment, std::string_view text) {
    const auto parts = split_parts(text);
    auto target = DiskTarget::parse(parts[0].key);
    if (!target) return std::unexpected(std::move(target).error());
    DiskRequest request{*target, disk_mode_from(parts[0].value.value_or("")), {}, {}};
    if (!request.mode) return bad_disk(text, "the mode must be no, internal or external", kRequestForm);
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const auto& [key, value] = parts[i];
        if (key != "path" && key != "format")
            return bad_disk(text, fmt::format("'{}' is no setting of a disk's snapshot", key), kRequestForm);
        if (value.value_or("").empty()) return bad_disk(text, fmt::format("'{}' needs a value", key), kRequestForm);
        (key == "path" ? request.path : request.format) = *value;
    }
    if (auto made = make_absolute(environment, {&request.path}); !made) return std::unexpected(std::move(made).error());
    return request;
}

Result<std::string> parse_serial(const Environment& environment, const std::string& text) {
    for (const std::string kind : {"file:", "unix:"}) {
        if (!text.starts_with(kind)) continue;
        auto path = absolute_path(environment, text.substr(kind.size()));
        if (!path) return path;
        return kind + *path;
    }
    return text;
}

}  // namespace stasis::cli
