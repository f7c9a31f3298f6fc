#include "engine/step_note.h"

#include <gtest/gtest.h>

namespace stasis::engine {
namespace {

TEST(StepNote, ComesBackAsItWas) {
    StepNote note;
    note.existed = note.was_running = note.switched = true;
    note.previous = "<domain/>";
    note.capture = port::CaptureReport{-3, MemoryMethod::precopy, UINT64_MAX, 5};
    note.process = model::GuestProcess{7, 4711, UINT64_MAX};
    note.resumed_at = UnixMicros{-1};
    note.restored_guest_bytes = 12;
    const auto back = step_note_from(to_text(note));
    ASSERT_TRUE(back.has_value());
    EXPECT_TRUE(back->existed && back->was_running && back->switched);
    EXPECT_EQ(back->previous, note.previous);
    EXPECT_EQ(back->capture->pause_us, -3);
    EXPECT_EQ(back->capture->method, MemoryMethod::precopy);
    EXPECT_EQ(back->capture->memory_file_bytes, UINT64_MAX);
    EXPECT_EQ(back->process, note.process);
    EXPECT_EQ(back->resumed_at, note.resumed_at);
    EXPECT_EQ(back->restored_guest_bytes, 12u);
}

TEST(StepNote, NothingIsEmptyText) {
    EXPECT_EQ(to_text({}), "");
    EXPECT_TRUE(step_note_from("").has_value());
}

TEST(StepNote, RubbishIsCorrupt) {
    for (const char* text : {"x", "[]", "{\"capture\":{}}", "{\"process\":3}", "{\"existed\":\"yes\"}",
                             "{\"capture\":{\"pause_us\":1,\"method\":\"magic\",\"memory_file_bytes\":1,\"memory_guest_bytes\":1}}"}) {
        const auto note = step_note_from(text);
        ASSERT_FALSE(note.has_value()) << text;
        EXPECT_EQ(note.error().kind, ErrorKind::corrupt);
    }
}

}  // namespace
}  // namespace stasis::engine
