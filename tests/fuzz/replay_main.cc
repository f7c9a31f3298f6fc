// Feeds every file of the folders and files it is given to a fuzz target, once, plus the empty input and every
// file cut short in a few places. Linked with one fuzz_*.cc; so the seeds are regression tests in the ordinary build.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::uint8_t> read_whole(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The exact size is copied to the heap, so that AddressSanitizer sees a read past the end.
void feed(const std::vector<std::uint8_t>& bytes, std::size_t size) {
    const std::vector<std::uint8_t> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void feed_whole_and_cut(const std::filesystem::path& path) {
    const auto bytes = read_whole(path);
    feed(bytes, bytes.size());
    for (const std::size_t parts : {2u, 3u, 10u, 100u}) feed(bytes, bytes.size() / parts);
    if (!bytes.empty()) feed(bytes, bytes.size() - 1);
}

std::vector<std::filesystem::path> inputs(int count, char** names) {
    std::vector<std::filesystem::path> found;
    for (int i = 1; i < count; ++i) {
        if (!std::filesystem::is_directory(names[i])) {
            found.emplace_back(names[i]);
            continue;
        }
        for (const auto& entry : std::filesystem::recursive_directory_iterator(names[i])) {
            if (entry.is_regular_file()) found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

int main(int argc, char** argv) {
    const auto paths = inputs(argc, argv);
    if (paths.empty()) {
        std::fprintf(stderr, "no input: every fuzz target needs seeds in tests/fuzz/corpus\n");
        return 1;
    }
    feed({}, 0);
    for (const auto& path : paths) feed_whole_and_cut(path);
    std::printf("%zu inputs replayed\n", paths.size());
    return 0;
}
