// Runs a plan against ports: write the intent, make it durable, act, mark; on failure undo, or from the plan's
// commit point on leave it to be finished. Recovery is the same machine fed from the journal. One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stasis/host.h>

#include "base/result.h"
#include "catalog/catalog.h"
#include "plan/step.h"
#include "port/ports.h"

namespace stasis::engine {

/// What the steps of one plan measured, as far as they ran.
struct Outcome {
    std::optional<port::CaptureReport> capture;
    std::optional<model::GuestProcess> process;     ///< of LaunchGuest
    std::optional<UnixMicros> resumed_at;           ///< of ResumeGuest
    std::uint64_t restored_guest_bytes = 0;
};

struct EngineParts {
    port::Ports ports;
    catalog::Catalog& catalog;
    std::function<UnixMicros()> now;
};

/// Something that runs plans: really, or only explaining them.
class Runner {
public:
    virtual ~Runner() = default;
    virtual Result<Outcome> run(const plan::Plan& plan, const RunMode& mode) = 0;
};

/// Journals and applies. An error leaves the host as before the plan, or, past the commit point, the journal entry
/// open for recover(); the error then says so.
std::unique_ptr<Runner> make_executor(EngineParts parts);

/// Applies nothing: for --dry-run, where the plan itself is the answer.
std::unique_ptr<Runner> make_explainer();

/// Settles every open operation of a domain: finishes or undoes it. Idempotent; may itself be interrupted anywhere.
/// An operation that cannot be settled now stays in the journal and its error is returned.
Result<std::vector<Recovered>> recover(EngineParts parts, const Uuid& domain, const RunMode& mode);

}  // namespace stasis::engine
