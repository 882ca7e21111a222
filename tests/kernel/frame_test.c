/* SPDX-License-Identifier: MIT */
#include "mm/frame.h"

#include <abi/ipc.h>

#include "model.h"
#include "tap.h"

TAP_TEST(unused_frames_are_the_free_ones_and_user_memory_without_mappings)
{
    model_start(MODEL_PAGES);
    for (unsigned kind = FRAME_FREE; kind <= FRAME_KERNEL; kind++) {
        model_fill(0, 1, (enum frame_kind)kind);
        EXPECT(frame_is_unused(model_frame(0)) == (kind <= FRAME_CLEAN));
    }
    model_fill(0, 1, FRAME_USER);
    *frame_word(model_frame(0)) += FRAME_ONE;
    EXPECT(!frame_is_unused(model_frame(0)));
    EXPECT(!frame_is_unused(model_frame(MODEL_PAGES)));
    EXPECT(!frame_is_unused(pfn_from_number(MODEL_FIRST - 1)));
    EXPECT(!frame_is_unused(pfn_from_number(UINT64_MAX)));
}

TAP_TEST(a_taken_frame_is_zero)
{
    model_start(MODEL_PAGES);
    model_fill(1, 1, FRAME_USER);
    frame_take(model_frame(0), FRAME_TABLE, 1);
    frame_take(model_frame(1), FRAME_MESSAGE, 0);
    EXPECT(model_is_painted(0, 0));
    EXPECT(model_is_painted(1, 0));
    EXPECT_U64(model_word(0), frame_word_make(FRAME_TABLE, 1));
    EXPECT_U64(frame_kind_of(model_frame(1)), FRAME_MESSAGE);
}

TAP_TEST(an_object_is_known_by_its_kind)
{
    model_start(MODEL_PAGES);
    frame_take(model_frame(0), FRAME_OBJECT, OBJECT_SPACE);
    EXPECT(frame_is_object(model_frame(0), OBJECT_SPACE));
    EXPECT(!frame_is_object(model_frame(0), OBJECT_THREAD));
    EXPECT(!frame_is_object(model_frame(1), OBJECT_SPACE));
    EXPECT(!frame_is_object(model_frame(MODEL_PAGES), OBJECT_SPACE));
    EXPECT(!frame_is_unused(model_frame(0)));
}

TAP_TEST(no_two_lives_of_a_frame_have_the_same_stamp)
{
    uint64_t stamps[8];
    model_start(MODEL_PAGES);
    for (unsigned i = 0; i < 8; i++) {
        frame_take(model_frame(0), FRAME_OBJECT, OBJECT_THREAD);
        stamps[i] = frame_stamp(frame_address(model_frame(0)));
        frame_release(model_frame(0));
        EXPECT(frame_stamp(frame_address(model_frame(0))) != stamps[i]);
        for (unsigned j = 0; j < i; j++) {
            EXPECT(stamps[j] != stamps[i]);
        }
    }
}

TAP_TEST(a_released_frame_is_free_and_keeps_its_bytes_to_itself)
{
    model_start(MODEL_PAGES);
    frame_take(model_frame(0), FRAME_OBJECT, OBJECT_SPACE);
    model_paint(0, 9);
    frame_release(model_frame(0));
    EXPECT_U64(model_word(0), FRAME_FREE);
    frame_take(model_frame(0), FRAME_MESSAGE, 0);
    EXPECT(model_is_painted(0, 0));
}

TAP_TEST(filling_stops_at_its_end)
{
    model_start(MODEL_PAGES);
    for (uint64_t count = 0; count < 40; count++) {
        model_fill(0, 64, FRAME_FREE);
        model_fill(3, count, FRAME_KERNEL);
        for (uint64_t i = 0; i < 64; i++) {
            const bool is_in = i >= 3 && i < 3 + count;
            EXPECT_U64(model_word(i), is_in ? FRAME_KERNEL : FRAME_FREE);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(unused_frames_are_the_free_ones_and_user_memory_without_mappings),
        TAP(a_taken_frame_is_zero),
        TAP(an_object_is_known_by_its_kind),
        TAP(no_two_lives_of_a_frame_have_the_same_stamp),
        TAP(a_released_frame_is_free_and_keeps_its_bytes_to_itself),
        TAP(filling_stops_at_its_end),
    };
    return TAP_RUN(argc, argv, tests);
}
