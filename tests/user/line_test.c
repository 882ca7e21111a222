/* SPDX-License-Identifier: MIT */
/*
 * What is typed at the console: edited lines, keys, marks, ^C.
 */
#include "line.h"

#include <string.h>

#include "tap.h"

static struct line line;
static char shown[8192];
static size_t shown_length;
static enum line_event last;

static void show(void *context, const char *bytes, size_t length)
{
    (void)context;
    if (shown_length + length < sizeof(shown)) {
        memcpy(shown + shown_length, bytes, length);
        shown_length += length;
    }
    shown[shown_length] = '\0';
}

static void start(void)
{
    line_init(&line);
    shown_length = 0;
    shown[0] = '\0';
}

static void type(const char *text)
{
    const struct line_echo echo = {show, NULL};
    for (; *text != '\0'; text++) {
        last = line_type(&line, *text, &echo);
    }
}

/* One read of at most `room` bytes, as text; "-" if it would have to wait. */
static const char *read_some(size_t room)
{
    static char text[256];
    if (!line_is_ready(&line)) {
        return "-";
    }
    const size_t length = line_peek(&line, text, room);
    text[length] = '\0';
    line_drop(&line, length);
    return text;
}

TAP_TEST(a_line_can_be_read_when_it_is_finished)
{
    start();
    type("ab");
    EXPECT_STR(read_some(50), "-");
    EXPECT_STR(shown, "ab");
    type("c\r");
    EXPECT_U64(last, LINE_READY);
    EXPECT_STR(shown, "abc\n");
    EXPECT_STR(read_some(50), "abc\n");
    EXPECT_STR(read_some(50), "-");
}

TAP_TEST(a_read_ends_with_its_line_or_its_room)
{
    start();
    type("one\ntwo\n");
    EXPECT_STR(read_some(2), "on");
    EXPECT_STR(read_some(50), "e\n");
    EXPECT_STR(read_some(50), "two\n");
}

TAP_TEST(characters_words_and_lines_can_be_taken_back)
{
    start();
    type("abx\b\x7fz\r");
    EXPECT_STR(read_some(50), "az\n");
    type("one two  \x17three\r");
    EXPECT_STR(read_some(50), "one three\n");
    type("gone\x15kept\r");
    EXPECT_STR(read_some(50), "kept\n");
    type("\b\b\x15\x17x\r");
    EXPECT_STR(read_some(50), "x\n");
}

TAP_TEST(a_character_of_several_bytes_goes_at_once)
{
    start();
    type("a\xc3\xa4\x7f"
         "b\r");
    EXPECT_STR(read_some(50), "ab\n");
    EXPECT_STR(shown, "a\xc3\xa4\b \bb\n");
}

TAP_TEST(control_d_ends_the_input_or_delivers_what_there_is)
{
    start();
    type("abc\x04");
    EXPECT_STR(read_some(50), "abc");
    EXPECT_STR(read_some(50), "-");
    type("\x04");
    EXPECT(line_is_ready(&line));
    EXPECT_STR(read_some(50), "");
    EXPECT_STR(read_some(50), "-");
    type("x\r\x04");
    EXPECT_STR(read_some(50), "x\n");
    EXPECT_STR(read_some(50), "");
    EXPECT_STR(read_some(50), "-");
}

TAP_TEST(control_c_drops_the_line_and_says_so)
{
    start();
    type("abc\x03");
    EXPECT_U64(last, LINE_INTERRUPT);
    EXPECT_STR(shown, "abc^C\n");
    type("d\r");
    EXPECT_STR(read_some(50), "d\n");
}

TAP_TEST(arrows_and_control_characters_leave_a_line_alone)
{
    start();
    type("a\x1b[Ab\x1b[3~c\x1bOHd\x01"
         "e\r");
    EXPECT_STR(read_some(50), "abcde\n");
}

TAP_TEST(keys_come_as_they_are_typed_without_an_echo)
{
    start();
    line_set_mode(&line, CONSOLE_KEYS);
    type("a\x1b[A\x03\r\x04");
    EXPECT_STR(read_some(3), "a\x1b[");
    EXPECT_STR(read_some(50), "A\x03\r\x04");
    EXPECT_STR(shown, "");
}

TAP_TEST(an_unfinished_line_becomes_readable_with_keys)
{
    start();
    type("typed ahead");
    line_set_mode(&line, CONSOLE_KEYS);
    EXPECT_STR(read_some(50), "typed ahead");
    line_set_mode(&line, CONSOLE_LINES);
    type("x\r");
    EXPECT_STR(read_some(50), "x\n");
}

TAP_TEST(what_does_not_fit_is_dropped_with_a_bell)
{
    start();
    for (unsigned i = 0; i < LINE_BYTES_MAX; i++) {
        type("x");
    }
    shown_length = 0;
    type("y");
    EXPECT_STR(shown, "\a");
    type("\r");
    EXPECT_U64(last, LINE_READY);
    /* Lines of 1,025 bytes fit three times into 4,096. */
    for (unsigned n = 0; n < 2; n++) {
        for (unsigned i = 0; i < LINE_BYTES_MAX; i++) {
            type("x");
        }
        type("\r");
        EXPECT_U64(last, LINE_READY);
    }
    for (unsigned i = 0; i < LINE_BYTES_MAX; i++) {
        type("x");
    }
    type("\r");
    EXPECT_U64(last, LINE_NOTHING);
    EXPECT_STR(read_some(2), "xx");
    EXPECT_STR(read_some(2), "xx");
    type("\r");
    EXPECT_U64(last, LINE_READY);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_line_can_be_read_when_it_is_finished),
        TAP(a_read_ends_with_its_line_or_its_room),
        TAP(characters_words_and_lines_can_be_taken_back),
        TAP(a_character_of_several_bytes_goes_at_once),
        TAP(control_d_ends_the_input_or_delivers_what_there_is),
        TAP(control_c_drops_the_line_and_says_so),
        TAP(arrows_and_control_characters_leave_a_line_alone),
        TAP(keys_come_as_they_are_typed_without_an_echo),
        TAP(an_unfinished_line_becomes_readable_with_keys),
        TAP(what_does_not_fit_is_dropped_with_a_bell),
    };
    return TAP_RUN(argc, argv, tests);
}
