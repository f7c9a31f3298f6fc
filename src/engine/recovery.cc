#include <utility>

#include "engine/executor.h"
#include "engine/operation.h"
#include "plan/journal_text.h"

namespace stasis::engine {
namespace {

std::unexpected<Error> cannot(const catalog::JournalEntry& entry, Error cause, std::string next) {
    return fail_because(std::move(cause), "settle the interrupted " + entry.operation,
                        "operation " + std::to_string(entry.id), std::move(next));
}

Result<Recovered> settle_one(EngineParts& parts, const catalog::JournalEntry& entry, const RunMode& mode) {
    auto plan = plan::from_journal_text(entry.plan_text);
    if (!plan) return cannot(entry, std::move(plan).error(), "use the version of stasis that began it");
    if (plan->domain != entry.domain)
        return fail(ErrorKind::corrupt, "settle the interrupted " + entry.operation, "operation " + std::to_string(entry.id),
                    "its plan is for another domain");
    if (mode.progress) mode.progress->note("an earlier command was interrupted: settling '" + plan->title + "' first");
    Operation operation(parts, *plan, mode);
    if (auto adopted = operation.adopt(entry); !adopted) return cannot(entry, std::move(adopted).error(), {});
    auto settled = operation.settle();
    if (!settled) return cannot(entry, std::move(settled).error(), "remove the cause and repeat the command");
    if (mode.progress) mode.progress->note("'" + plan->title + "' was " + *settled);
    return Recovered{entry.operation, *std::move(settled), plan->title};
}

}  // namespace

Result<std::vector<Recovered>> recover(EngineParts parts, const Uuid& domain, const RunMode& mode) {
    STASIS_TRY(const std::vector<catalog::JournalEntry> open, parts.catalog.open_operations(domain));
    std::vector<Recovered> settled;
    for (const catalog::JournalEntry& entry : open) {
        STASIS_TRY(Recovered one, settle_one(parts, entry, mode));
        settled.push_back(std::move(one));
    }
    return settled;
}

}  // namespace stasis::engine
