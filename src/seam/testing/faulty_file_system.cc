#include "seam/testing/faulty_file_system.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <optional>

namespace stasis::seam {

namespace {
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
}

struct FaultyFileSystem::Faults {
    mutable std::mutex mutex;
    std::vector<std::string> operations;
    std::uint64_t fail_at = kNever;
    ErrorKind fail_kind = ErrorKind::failed;
    std::uint64_t dead_from = kNever;
    std::uint64_t space = kNever;

    // Counts the operation, and fails when it is its turn.
    Result<void> step(const std::string& verb, const std::string& path, const std::string& more = {}) {
        const std::lock_guard guard(mutex);
        operations.push_back(verb + " " + path + more);
        const auto number = operations.size();
        if (number >= dead_from) return fail(ErrorKind::failed, verb, path, "power lost (injected)");
        if (number == fail_at) return fail(fail_kind, verb, path, "injected fault");
        return {};
    }

    // How many of `wanted` bytes may still be written.
    std::uint64_t take_space(std::uint64_t wanted) {
        const std::lock_guard guard(mutex);
        const auto granted = std::min(wanted, space);
        if (space != kNever) space -= granted;
        return granted;
    }
};

namespace {

class FaultyFile final : public File {
public:
    FaultyFile(std::shared_ptr<FaultyFileSystem::Faults> faults, std::unique_ptr<File> inner, std::string path)
        : faults_(std::move(faults)), inner_(std::move(inner)), path_(std::move(path)) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> buffer) override {
        STASIS_CHECK(faults_->step("read", path_));
        return inner_->read_at(offset, buffer);
    }
    Result<void> write_at(std::uint64_t offset, std::span<const std::byte> data) override {
        STASIS_CHECK(faults_->step("write", path_));
        const auto granted = faults_->take_space(data.size());
        STASIS_CHECK(inner_->write_at(offset, data.first(static_cast<std::size_t>(granted))));
        if (granted < data.size()) return fail(ErrorKind::no_space, "write", path_, "injected fault");
        return {};
    }
    Result<void> sync() override {
        STASIS_CHECK(faults_->step("sync", path_));
        return inner_->sync();
    }
    Result<std::uint64_t> size() override {
        STASIS_CHECK(faults_->step("size", path_));
        return inner_->size();
    }

private:
    std::shared_ptr<FaultyFileSystem::Faults> faults_;
    std::unique_ptr<File> inner_;
    std::string path_;
};

}  // namespace

FaultyFileSystem::FaultyFileSystem(FileSystem& inner) : inner_(inner), faults_(std::make_shared<Faults>()) {}
FaultyFileSystem::~FaultyFileSystem() = default;

void FaultyFileSystem::fail_at(std::uint64_t number, ErrorKind kind) {
    const std::lock_guard guard(faults_->mutex);
    faults_->fail_at = number;
    faults_->fail_kind = kind;
}

void FaultyFileSystem::cut_power_at(std::uint64_t number) {
    const std::lock_guard guard(faults_->mutex);
    faults_->dead_from = number;
}

void FaultyFileSystem::limit_space(std::uint64_t bytes) {
    const std::lock_guard guard(faults_->mutex);
    faults_->space = bytes;
}

std::vector<std::string> FaultyFileSystem::operations() const {
    const std::lock_guard guard(faults_->mutex);
    return faults_->operations;
}

Result<std::unique_ptr<File>> FaultyFileSystem::open_read(const std::string& path) {
    STASIS_CHECK(faults_->step("open", path));
    STASIS_TRY(auto file, inner_.open_read(path));
    return std::make_unique<FaultyFile>(faults_, std::move(file), path);
}

Result<std::unique_ptr<File>> FaultyFileSystem::create(const std::string& path) {
    STASIS_CHECK(faults_->step("create", path));
    STASIS_TRY(auto file, inner_.create(path));
    return std::make_unique<FaultyFile>(faults_, std::move(file), path);
}

Result<FileStat> FaultyFileSystem::stat(const std::string& path) {
    STASIS_CHECK(faults_->step("stat", path));
    return inner_.stat(path);
}

Result<bool> FaultyFileSystem::exists(const std::string& path) {
    STASIS_CHECK(faults_->step("exists", path));
    return inner_.exists(path);
}

Result<bool> FaultyFileSystem::make_folders(const std::string& path) {
    STASIS_CHECK(faults_->step("make_folders", path));
    return inner_.make_folders(path);
}

Result<void> FaultyFileSystem::remove_folder(const std::string& path) {
    STASIS_CHECK(faults_->step("remove_folder", path));
    return inner_.remove_folder(path);
}

Result<void> FaultyFileSystem::remove_file(const std::string& path) {
    STASIS_CHECK(faults_->step("remove_file", path));
    return inner_.remove_file(path);
}

Result<void> FaultyFileSystem::rename(const std::string& from, const std::string& to) {
    STASIS_CHECK(faults_->step("rename", from, " " + to));
    return inner_.rename(from, to);
}

Result<void> FaultyFileSystem::sync_folder(const std::string& path) {
    STASIS_CHECK(faults_->step("sync_folder", path));
    return inner_.sync_folder(path);
}

Result<std::vector<std::string>> FaultyFileSystem::list_folder(const std::string& path) {
    STASIS_CHECK(faults_->step("list", path));
    return inner_.list_folder(path);
}

Result<std::uint64_t> FaultyFileSystem::free_bytes(const std::string& path) {
    STASIS_CHECK(faults_->step("free", path));
    return inner_.free_bytes(path);
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::lock(const std::string& path, const std::string& holder,
                                                         std::chrono::milliseconds wait) {
    STASIS_CHECK(faults_->step("lock", path));
    return inner_.lock(path, holder, wait);
}

}  // namespace stasis::seam
