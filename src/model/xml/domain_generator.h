// Random domains that obey validate(), for property tests. Deterministic in the seed. One thread.
#pragma once

#include <random>

#include "model/domain.h"

namespace stasis::model {

class DomainGenerator {
public:
    explicit DomainGenerator(std::uint32_t seed) : random_(seed) {}
    Domain domain();

private:
    std::uint32_t below(std::uint32_t limit) { return std::uniform_int_distribution<std::uint32_t>(0, limit - 1)(random_); }
    bool chance() { return below(2) == 0; }
    template <class Range>
    auto pick(const Range& range) {
        return range[below(static_cast<std::uint32_t>(std::size(range)))];
    }
    template <class Range>
    std::string word_or_none(const Range& words) {
        return chance() ? std::string{} : std::string(pick(words));
    }
    std::string text();  ///< awkward: markup, blanks, non-ASCII; may be empty
    std::string path();
    std::optional<Address> address();
    std::string alias() { return chance() ? std::string{} : "ua-" + std::to_string(below(1000)); }
    Disk disk(std::uint32_t number);
    Interface interface();
    CharDevice port();
    Controller controller();
    void platform(Domain& domain);
    void devices(Domain& domain);
    void keep(Domain& domain);

    std::mt19937 random_;
};

}  // namespace stasis::model
