/* SPDX-License-Identifier: MIT */
/*
 * What is written to the console: whole texts, texts in parts, and what becomes of those that are
 * broken off.
 */
#include "output.h"

#include <string.h>

#include "tap.h"

static struct output output;

static void start(void)
{
    memset(&output, 0, sizeof(output));
}

static bool take(uint64_t writer, enum console_part part, const char *text)
{
    return output_take(&output, writer, part, text, strlen(text));
}

/* Take a piece of `length` bytes `c`. */
static bool take_many(uint64_t writer, enum console_part part, char c, size_t length)
{
    char bytes[CONSOLE_BYTES_MAX];
    memset(bytes, c, sizeof(bytes));
    return output_take(&output, writer, part, bytes, length);
}

/* What the device gets, as text. */
static const char *sent(void)
{
    static char text[RING_BYTES + 1];
    size_t length = 0;
    while (ring_count(&output.ring) > 0) {
        text[length++] = ring_first(&output.ring);
        ring_drop(&output.ring);
    }
    text[length] = '\0';
    return text;
}

TAP_TEST(a_whole_text_is_sent_at_once)
{
    start();
    EXPECT(take(1, CONSOLE_WHOLE, "one\n"));
    EXPECT(take(2, CONSOLE_WHOLE, "two"));
    EXPECT(take(2, CONSOLE_WHOLE, ""));
    EXPECT_STR(sent(), "one\r\ntwo");
}

TAP_TEST(nothing_comes_between_the_parts_of_a_text)
{
    start();
    EXPECT(take(1, CONSOLE_FIRST, "1a "));
    EXPECT(take(2, CONSOLE_FIRST, "2a "));
    EXPECT(take(1, CONSOLE_MIDDLE, "1b "));
    EXPECT(take(3, CONSOLE_WHOLE, "3\n"));
    EXPECT_STR(sent(), "3\r\n");
    EXPECT(take(2, CONSOLE_LAST, "2b\n"));
    EXPECT(take(1, CONSOLE_LAST, "1c\n"));
    EXPECT_STR(sent(), "2a 2b\r\n1a 1b 1c\r\n");
    EXPECT_U64(output.count, 0);
}

TAP_TEST(a_text_that_is_broken_off_is_shown_before_the_next_of_its_writer)
{
    start();
    EXPECT(take(1, CONSOLE_FIRST, "lost "));
    EXPECT(take(1, CONSOLE_FIRST, "begun "));
    EXPECT_STR(sent(), "lost ");
    EXPECT(take(1, CONSOLE_WHOLE, "whole"));
    EXPECT_STR(sent(), "begun whole");
    EXPECT_U64(output.count, 0);
}

TAP_TEST(a_part_without_a_beginning_is_shown_as_it_is)
{
    start();
    EXPECT(take(1, CONSOLE_MIDDLE, "a"));
    EXPECT(take(1, CONSOLE_LAST, "b"));
    EXPECT_STR(sent(), "ab");
    EXPECT_U64(output.count, 0);
}

TAP_TEST(the_oldest_text_makes_place_when_too_many_are_begun)
{
    start();
    for (uint64_t i = 0; i < OUTPUT_UNFINISHED_MAX; i++) {
        EXPECT(take(i, CONSOLE_FIRST, i == 0 ? "old " : "x"));
    }
    EXPECT_STR(sent(), "");
    EXPECT(take(99, CONSOLE_FIRST, "new "));
    EXPECT_STR(sent(), "old ");
    EXPECT(take(0, CONSOLE_LAST, "rest\n"));
    EXPECT(take(99, CONSOLE_LAST, "end\n"));
    EXPECT_STR(sent(), "rest\r\nnew end\r\n");
    EXPECT_U64(output.count, OUTPUT_UNFINISHED_MAX - 1);
}

TAP_TEST(a_text_that_is_too_long_is_shown_in_pieces)
{
    start();
    EXPECT(take_many(1, CONSOLE_FIRST, 'a', CONSOLE_BYTES_MAX));
    for (size_t i = 1; i < CONSOLE_TEXT_MAX / CONSOLE_BYTES_MAX; i++) {
        EXPECT(take_many(1, CONSOLE_MIDDLE, 'a', CONSOLE_BYTES_MAX));
    }
    EXPECT_STR(sent(), "");
    EXPECT(take_many(1, CONSOLE_MIDDLE, 'b', CONSOLE_BYTES_MAX));
    const size_t whole = CONSOLE_TEXT_MAX / CONSOLE_BYTES_MAX * CONSOLE_BYTES_MAX;
    const char *text = sent();
    EXPECT_U64(strlen(text), whole + CONSOLE_BYTES_MAX);
    EXPECT_U64(strspn(text, "a"), whole);
}

TAP_TEST(a_text_of_the_largest_size_is_shown_together)
{
    start();
    size_t left = CONSOLE_TEXT_MAX;
    EXPECT(take_many(1, CONSOLE_FIRST, '\n', CONSOLE_BYTES_MAX));
    for (left -= CONSOLE_BYTES_MAX; left > CONSOLE_BYTES_MAX; left -= CONSOLE_BYTES_MAX) {
        EXPECT(take_many(1, CONSOLE_MIDDLE, '\n', CONSOLE_BYTES_MAX));
    }
    EXPECT(take(2, CONSOLE_WHOLE, "x"));
    EXPECT(take_many(1, CONSOLE_LAST, '\n', left));
    const char *text = sent();
    EXPECT_U64(strlen(text), 2 * CONSOLE_TEXT_MAX + 1);
    EXPECT(text[0] == 'x');
}

TAP_TEST(what_has_no_room_changes_nothing_and_echoes_have_some)
{
    start();
    EXPECT(take(1, CONSOLE_FIRST, "kept "));
    EXPECT(take(2, CONSOLE_FIRST, "other "));
    unsigned count = 0;
    while (take_many(3, CONSOLE_WHOLE, 'x', CONSOLE_BYTES_MAX)) {
        count++;
    }
    const size_t full = ring_count(&output.ring);
    EXPECT_U64(full, (uint64_t)count * CONSOLE_BYTES_MAX);
    EXPECT(take(2, CONSOLE_MIDDLE, "parts are kept apart "));
    for (unsigned i = 0; i < 8; i++) {
        while (take(4, CONSOLE_WHOLE, "y")) {
        }
        EXPECT(!take(1, CONSOLE_LAST, "end\n"));
        EXPECT(!take(1, CONSOLE_WHOLE, "z"));
    }
    output_echo(&output, "echo\n", 5);
    const char *text = sent();
    EXPECT_STR(text + strlen(text) - 6, "echo\r\n");
    EXPECT(take(1, CONSOLE_LAST, "end\n"));
    EXPECT_STR(sent(), "kept end\r\n");
    EXPECT(take(2, CONSOLE_LAST, "end\n"));
    EXPECT_STR(sent(), "other parts are kept apart end\r\n");
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_whole_text_is_sent_at_once),
        TAP(nothing_comes_between_the_parts_of_a_text),
        TAP(a_text_that_is_broken_off_is_shown_before_the_next_of_its_writer),
        TAP(a_part_without_a_beginning_is_shown_as_it_is),
        TAP(the_oldest_text_makes_place_when_too_many_are_begun),
        TAP(a_text_that_is_too_long_is_shown_in_pieces),
        TAP(a_text_of_the_largest_size_is_shown_together),
        TAP(what_has_no_room_changes_nothing_and_echoes_have_some),
    };
    return TAP_RUN(argc, argv, tests);
}
