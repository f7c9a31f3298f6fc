#include "plan/journal_text.h"

#include <concepts>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/utf8.h"
#include "plan/step_fields.h"

namespace stasis::plan {
namespace {

using Json = nlohmann::json;

constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kTextBytesMax = 64ull << 20;  ///< a plan of 256 disks with its definitions stays far below
constexpr const char* kBytesKey = "hex";  ///< {"hex": "..."}: a string that is no UTF-8, which paths may be
constexpr const char* kStepKey = "step";

template <class T>
concept HasFields = !std::same_as<std::remove_cv_t<decltype(kFields<T>)>, int>;
template <class T>
concept Name = std::same_as<T, DomainName> || std::same_as<T, SnapshotName> || std::same_as<T, DiskTarget>;
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

// Every enumeration that steps hold, by its words.
std::optional<model::ImageFormat> word_to(std::type_identity<model::ImageFormat>, const std::string& text) {
    return model::image_format_from(text);
}
std::optional<DiskMode> word_to(std::type_identity<DiskMode>, const std::string& text) { return disk_mode_from(text); }
std::optional<MemoryMethod> word_to(std::type_identity<MemoryMethod>, const std::string& text) {
    return memory_method_from(text);
}
std::optional<MemoryCompression> word_to(std::type_identity<MemoryCompression>, const std::string& text) {
    return memory_compression_from(text);
}
std::optional<SnapshotState> word_to(std::type_identity<SnapshotState>, const std::string& text) {
    return snapshot_state_from(text);
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto point = decode_utf8(text);
        if (!point) return false;
        text.remove_prefix(point->length);
    }
    return true;
}

std::string to_hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        text += kDigits[static_cast<unsigned char>(byte) >> 4];
        text += kDigits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::optional<std::string> from_hex(const std::string& text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes += static_cast<char>(high * 16 + low);
    }
    return bytes;
}

// ---- writing ----
class Writer {
public:
    static Json value(const std::string& text) { return is_utf8(text) ? Json(text) : Json{{kBytesKey, to_hex(text)}}; }
    static Json value(bool flag) { return flag; }
    static Json value(Integer auto number) { return number; }
    template <class E>
        requires std::is_enum_v<E>
    static Json value(E word) { return to_string(word); }
    static Json value(const Name auto& name) { return name.str(); }
    static Json value(const Uuid& uuid) { return uuid.str(); }
    static Json value(model::ImageId id) { return id.value; }
    static Json value(Bytes bytes) { return bytes.value; }
    static Json value(UnixMicros time) { return time.value; }
    template <class T>
    static Json value(const std::optional<T>& maybe) { return maybe ? value(*maybe) : Json(nullptr); }
    template <class T>
    static Json value(const std::vector<T>& list) {
        Json array = Json::array();
        for (const T& item : list) array.push_back(value(item));
        return array;
    }
    static Json value(const model::ActiveLayers& layers) {
        Json object = Json::object();
        for (const auto& [target, id] : layers) object[target.str()] = id.value;
        return object;
    }
    template <HasFields T>
    static Json value(const T& item) {
        Json object = Json::object();
        std::apply([&](const auto&... f) { ((object[f.name] = value(item.*f.member)), ...); }, kFields<T>);
        return object;
    }
    static Json value(const Step& step) {
        Json object = std::visit([](const auto& alternative) { return value(alternative); }, step);
        object[kStepKey] = step_name(step);
        return object;
    }
};

// ---- reading: false at the first thing that is not as written above, and where() says what ----
class Reader {
public:
    [[nodiscard]] const std::string& where() const { return where_; }

    bool read(const Json& json, std::string& text) {
        if (json.is_string()) {
            text = json.get_ref<const std::string&>();
            return true;
        }
        if (!json.is_object() || json.size() != 1 || !json.contains(kBytesKey) || !json[kBytesKey].is_string())
            return broken("is no string");
        auto bytes = from_hex(json[kBytesKey].get_ref<const std::string&>());
        if (!bytes) return broken("is no hexadecimal string");
        text = *std::move(bytes);
        return true;
    }
    bool read(const Json& json, bool& flag) {
        if (!json.is_boolean()) return broken("is no boolean");
        flag = json.get<bool>();
        return true;
    }
    template <Integer T>
    bool read(const Json& json, T& number) {
        if (json.is_number_unsigned()) {
            const auto value = json.get<std::uint64_t>();
            number = static_cast<T>(value);
            return std::in_range<T>(value) || broken("is out of range");
        }
        if (!json.is_number_integer()) return broken("is no integer");
        const auto value = json.get<std::int64_t>();
        number = static_cast<T>(value);
        return std::in_range<T>(value) || broken("is out of range");
    }
    template <class E>
        requires std::is_enum_v<E>
    bool read(const Json& json, E& word) {
        if (!json.is_string()) return broken("is no word");
        const auto value = word_to(std::type_identity<E>{}, json.get_ref<const std::string&>());
        if (!value) return broken("is no word that is known");
        word = *value;
        return true;
    }
    template <Name T>
    bool read(const Json& json, T& name) {
        if (!json.is_string()) return broken("is no name");
        auto parsed = T::parse(json.get_ref<const std::string&>());
        if (!parsed) return broken("is no valid name");
        name = *std::move(parsed);
        return true;
    }
    bool read(const Json& json, Uuid& uuid) {
        if (!json.is_string()) return broken("is no uuid");
        const auto parsed = Uuid::parse(json.get_ref<const std::string&>());
        if (!parsed) return broken("is no uuid");
        uuid = *parsed;
        return true;
    }
    bool read(const Json& json, model::ImageId& id) { return read(json, id.value); }
    bool read(const Json& json, Bytes& bytes) { return read(json, bytes.value); }
    bool read(const Json& json, UnixMicros& time) { return read(json, time.value); }
    template <class T>
    bool read(const Json& json, std::optional<T>& maybe) {
        maybe.reset();
        return json.is_null() || read(json, maybe.emplace());
    }
    template <class T>
    bool read(const Json& json, std::vector<T>& list) {
        if (!json.is_array()) return broken("is no list");
        list.clear();
        for (const Json& item : json)
            if (!read(item, list.emplace_back())) return false;
        return true;
    }
    bool read(const Json& json, model::ActiveLayers& layers) {
        if (!json.is_object()) return broken("is no table");
        for (const auto& [key, id] : json.items()) {
            const auto target = DiskTarget::parse(key);
            if (!target) return broken("names no disk");
            if (!read(id, layers[*target])) return false;
        }
        return true;
    }
    template <HasFields T>
    bool read(const Json& json, T& item) { return fields(json, item, 0); }

    bool read(const Json& json, Step& step) {
        const auto name = json.is_object() ? json.find(kStepKey) : json.end();
        if (!json.is_object() || name == json.end() || !name->is_string()) return broken("is no step");
        return alternative(json, name->get_ref<const std::string&>(), step);
    }

private:
    bool broken(const char* why) {
        if (where_.empty()) where_ = field_.empty() ? std::string("it ") + why : "field '" + field_ + "' " + why;
        return false;
    }

    /// Exactly the fields of T, and `others` more that the caller has dealt with.
    template <HasFields T>
    bool fields(const Json& json, T& item, std::size_t others) {
        if (!json.is_object()) return broken("is no object");
        constexpr std::size_t kCount = std::tuple_size_v<std::remove_cv_t<decltype(kFields<T>)>>;
        const auto one = [&](const auto& f) {
            const auto found = json.find(f.name);
            field_ = f.name;
            return found == json.end() ? broken("is missing") : read(*found, item.*f.member);
        };
        if (!std::apply([&](const auto&... f) { return (one(f) && ...); }, kFields<T>)) return false;
        field_.clear();
        return json.size() == kCount + others || broken("has a field that is not known");
    }

    template <std::size_t I = 0>
    bool alternative(const Json& json, const std::string& name, Step& step) {
        if constexpr (I == std::variant_size_v<Step>) {
            field_ = kStepKey;
            return broken("names a step that is not known");
        } else {
            step.emplace<I>();
            if (step_name(step) != name) return alternative<I + 1>(json, name, step);
            return fields(json, std::get<I>(step), 1);
        }
    }

    std::string field_;
    std::string where_;
};

std::unexpected<Error> corrupt(const std::string& why) {
    return fail(ErrorKind::corrupt, "read a plan from the journal", {}, why);
}

}  // namespace

std::string to_journal_text(const Plan& plan) {
    Json json = Writer::value(plan);
    json["version"] = kVersion;
    return json.dump();
}

Result<Plan> from_journal_text(std::string_view text) {
    if (text.size() > kTextBytesMax) return corrupt("it is too long");
    // Depth is bounded because nothing deeper than a plan is accepted, and the parser itself does not recurse.
    Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return corrupt("it is no JSON object");
    const auto version = json.find("version");
    if (version == json.end() || *version != kVersion)
        return corrupt("it has another version than " + std::to_string(kVersion));
    json.erase(version);
    Plan plan;
    Reader reader;
    if (!reader.read(json, plan)) return corrupt(reader.where());
    if (plan.commit_from > plan.steps.size()) return corrupt("its commit point lies behind its last step");
    return plan;
}

}  // namespace stasis::plan
