#include "engine/test_catalog.h"

#include <sstream>

namespace stasis::engine::testing {
namespace {

using catalog::DomainRecord;
using catalog::JournalEntry;
using catalog::StepState;

class FaultyCatalog final : public catalog::Catalog {
public:
    FaultyCatalog(Catalog& real, TestHost& host) : real_(real), host_(host) {}

    Result<std::vector<DomainRecord>> domains() override { return real_.domains(); }
    Result<DomainRecord> domain(const std::string& name) override { return real_.domain(name); }
    Result<void> put_domain(const DomainName& n, const Uuid& u, const std::string& d) override {
        return write("put_domain", [&] { return real_.put_domain(n, u, d); });
    }
    Result<void> remove_domain(const Uuid& u) override {
        return write("remove_domain", [&] { return real_.remove_domain(u); });
    }
    Result<void> set_process(const Uuid& u, const std::optional<model::GuestProcess>& p) override {
        return write("set_process", [&] { return real_.set_process(u, p); });
    }
    Result<std::uint32_t> claim_generation(const Uuid& u) override { return real_.claim_generation(u); }
    Result<void> set_nvram(const Uuid& u, const std::string& p) override {
        return write("set_nvram", [&] { return real_.set_nvram(u, p); });
    }
    Result<void> change_layers(const Uuid& u, const LayerChange& c) override {
        return write("change_layers", [&] { return real_.change_layers(u, c); });
    }
    Result<void> define_domain(const DomainName& n, const Uuid& u, const std::string& d, const LayerChange& c) override {
        return write("define_domain", [&] { return real_.define_domain(n, u, d, c); });
    }
    Result<model::SnapshotTree> snapshots(const Uuid& u) override { return real_.snapshots(u); }
    Result<void> put_snapshot(const Uuid& u, const model::Snapshot& s, const LayerChange& c) override {
        return write("put_snapshot", [&] { return real_.put_snapshot(u, s, c); });
    }
    Result<void> remove_snapshots(const Uuid& u, const std::vector<SnapshotName>& n, const LayerChange& c) override {
        return write("remove_snapshots", [&] { return real_.remove_snapshots(u, n, c); });
    }
    Result<std::int64_t> begin_operation(const Uuid& u, const std::string& o, const std::string& p, UnixMicros t) override {
        std::int64_t id = 0;
        STASIS_CHECK(write("begin", [&]() -> Result<void> {
            STASIS_TRY(id, real_.begin_operation(u, o, p, t));
            return {};
        }));
        return id;
    }
    Result<void> mark_step(std::int64_t id, std::size_t step, StepState state, const std::string& outcome) override {
        return mark_steps(id, {{step, state, outcome}});
    }
    Result<void> mark_steps(std::int64_t id, const std::vector<JournalEntry::Mark>& marks) override {
        std::string name = "mark";
        for (const auto& mark : marks)
            name += " " + std::to_string(mark.step) +
                    (mark.state == StepState::intended ? "?" : mark.state == StepState::done ? "!" : "-");
        return write(name, [&] { return real_.mark_steps(id, marks); });
    }
    Result<void> end_operation(std::int64_t id, const std::string& outcome, UnixMicros now) override {
        return write("end " + outcome, [&] { return real_.end_operation(id, outcome, now); });
    }
    Result<std::vector<JournalEntry>> open_operations(const std::optional<Uuid>& u) override { return real_.open_operations(u); }
    Result<std::optional<std::string>> cached(const std::string& k) override { return real_.cached(k); }
    Result<void> cache(const std::string& k, const std::string& v) override { return real_.cache(k, v); }

private:
    Result<void> write(const std::string& name, const std::function<Result<void>()>& body) {
        host_.log.push_back(name);
        host_.tick();
        if (host_.fail_catalog_at != 0 && ++writes_ == host_.fail_catalog_at)
            return fail(ErrorKind::no_space, name, {}, "made to fail");
        STASIS_CHECK(body());
        host_.guests_work();
        host_.tick();
        return {};
    }
    Catalog& real_;
    TestHost& host_;
    int writes_ = 0;
};

}  // namespace

std::unique_ptr<catalog::Catalog> make_faulty(catalog::Catalog& real, TestHost& host) {
    return std::make_unique<FaultyCatalog>(real, host);
}

std::string catalog_text(catalog::Catalog& catalog) {
    std::ostringstream text;
    const auto domains = catalog.domains();
    for (const DomainRecord& summary : *domains) {
        const DomainRecord domain = *catalog.domain(summary.uuid.str());
        text << "domain " << domain.name.str() << " nvram=" << domain.nvram << " definition=" << domain.definition_xml.size();
        if (domain.process) text << " process=" << domain.process->generation;
        if (domain.current_snapshot) text << " current=" << domain.current_snapshot->str();
        for (const model::Image& image : domain.images.images())
            text << "\n image " << image.id.value << ' ' << image.path << " on " << image.backing.value
                 << (image.frozen ? " frozen" : "");
        for (const auto& [target, id] : domain.active) text << "\n active " << target.str() << '=' << id.value;
        for (const model::ImageId id : domain.left_behind) text << "\n left " << id.value;
        const model::SnapshotTree tree = *catalog.snapshots(domain.uuid);
        for (const model::Snapshot& snapshot : tree.snapshots())
            text << "\n snapshot " << snapshot.name.str() << " memory=" << snapshot.memory.path << ' '
                 << snapshot.memory.file_bytes << " pause=" << snapshot.pause_us.value_or(-1);
        text << '\n';
    }
    return text.str();
}

}  // namespace stasis::engine::testing
