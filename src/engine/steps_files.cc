#include "engine/steps.h"

namespace stasis::engine {

Result<void> refuse_taken(StepContext& context, const std::string& path) {
    STASIS_TRY(const bool taken, context.ports().files.exists(path));
    if (taken) return fail(ErrorKind::exists, "create " + path, {}, "there is a file of that name", "move it away or choose another place");
    return {};
}

Result<StepNote> before(StepContext& context, const plan::MakeFolder& step) {
    StepNote note;
    STASIS_TRY(note.existed, context.ports().files.exists(step.path));
    return note;
}

Result<void> apply(StepContext& context, const plan::MakeFolder& step, StepNote&) {
    STASIS_CHECK(context.ports().files.make_folder(step.path));
    return {};
}

Result<void> undo(StepContext& context, const plan::MakeFolder& step, const StepNote& note) {
    if (note.existed) return {};
    return context.ports().files.remove_folder(step.path);
}

Result<StepNote> before(StepContext& context, const plan::CopyFile& step) {
    STASIS_CHECK(refuse_taken(context, step.to));
    return StepNote{};
}

Result<void> apply(StepContext& context, const plan::CopyFile& step, StepNote&) {
    if (context.again) STASIS_CHECK(context.ports().files.remove_file(step.to));
    return context.ports().files.copy_file(step.from, step.to);
}

Result<void> undo(StepContext& context, const plan::CopyFile& step, const StepNote&) {
    return context.ports().files.remove_file(step.to);
}

Result<void> apply(StepContext& context, const plan::RemoveFile& step, StepNote&) {
    return context.ports().files.remove_file(step.path);
}

Result<void> apply(StepContext& context, const plan::RemoveFolder& step, StepNote&) {
    return context.ports().files.remove_folder(step.path);
}

}  // namespace stasis::engine
