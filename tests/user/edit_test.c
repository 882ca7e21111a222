/* SPDX-License-Identifier: MIT */
/*
 * Editing a line with keys and history. What is shown is played on a screen of one line.
 */
#include "edit.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define UP    "\x1b[A"
#define DOWN  "\x1b[B"
#define RIGHT "\x1b[C"
#define LEFT  "\x1b[D"
#define WIDTH 128u

static struct edit edit;
static char screen[WIDTH];
static size_t column;
static char sequence[16]; /* after ESC [ */
static size_t sequence_length;
static bool is_sequence;

static void play_sequence(char last)
{
    if (last == 'K') {
        memset(screen + column, 0, WIDTH - column);
    } else if (last == 'D') {
        sequence[sequence_length] = '\0';
        column -= (size_t)atoi(sequence + 1);
    }
    is_sequence = false;
}

static void play(void *context, const char *bytes, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++) {
        if (is_sequence) {
            if (bytes[i] >= 0x40 && bytes[i] != '[') {
                play_sequence(bytes[i]);
            } else {
                sequence[sequence_length++ % sizeof(sequence)] = bytes[i];
            }
        } else if (bytes[i] == '\x1b') {
            is_sequence = true;
            sequence_length = 0;
        } else if (bytes[i] == '\r' || bytes[i] == '\n') {
            column = 0;
        } else if (bytes[i] != '\a' && column + 1 < WIDTH) {
            screen[column++] = bytes[i];
        }
    }
}

static enum edit_event press(const char *keys)
{
    enum edit_event event = EDIT_GOES_ON;
    for (; *keys != '\0'; keys++) {
        event = edit_key(&edit, *keys);
    }
    return event;
}

static void begin(void)
{
    memset(screen, 0, sizeof(screen));
    column = 0;
    edit_begin(&edit);
}

static void start(void)
{
    memset(&edit, 0, sizeof(edit));
    edit.prompt = "> ";
    edit.show = play;
    begin();
}

/* The line is `text`, the screen shows it, and the cursor is `at` bytes into it. */
static void expect_line(const char *text, size_t at)
{
    char shown[WIDTH] = "> ";
    strcat(shown, text);
    EXPECT_STR(screen, shown);
    EXPECT_U64(edit.length, strlen(text));
    EXPECT(memcmp(edit.line, text, edit.length) == 0);
    EXPECT_U64(edit.cursor, at);
    EXPECT_U64(column, at + 2);
}

static void enter(const char *text)
{
    begin();
    (void)press(text);
    EXPECT_U64(press("\r"), EDIT_LINE);
    edit_remember(&edit);
}

TAP_TEST(keys_go_in_where_the_cursor_is)
{
    start();
    (void)press("ac" LEFT "b");
    expect_line("abc", 2);
    (void)press("\x01x\x05y");
    expect_line("xabcy", 5);
    EXPECT_U64(press("\r"), EDIT_LINE);
    EXPECT_U64(edit.length, 5);
}

TAP_TEST(the_cursor_stays_in_the_line)
{
    start();
    (void)press(LEFT LEFT "a" RIGHT RIGHT "b");
    expect_line("ab", 2);
}

TAP_TEST(characters_and_words_are_taken_away)
{
    start();
    (void)press("one two three\x17");
    expect_line("one two ", 8);
    (void)press("\x7f\x7f");
    expect_line("one tw", 6);
    (void)press(LEFT LEFT "\x0b");
    expect_line("one ", 4);
    (void)press("x" LEFT "\x15");
    expect_line("x", 0);
    (void)press("\x04");
    expect_line("", 0);
    (void)press("ab\x1b[D\x1b[3~");
    expect_line("a", 1);
}

TAP_TEST(the_history_goes_back_and_forth_and_keeps_the_new_line)
{
    start();
    enter("first");
    enter("second");
    begin();
    (void)press("new" UP);
    expect_line("second", 6);
    (void)press(UP);
    expect_line("first", 5);
    (void)press(UP);
    expect_line("first", 5);
    (void)press(DOWN DOWN);
    expect_line("new", 3);
    (void)press(DOWN);
    expect_line("new", 3);
}

TAP_TEST(a_line_is_remembered_once_and_an_empty_one_not)
{
    start();
    enter("same");
    enter("same");
    enter("");
    EXPECT_U64(edit.count, 1);
}

TAP_TEST(the_history_forgets_its_oldest_line)
{
    start();
    char text[8];
    for (unsigned i = 0; i < EDIT_HISTORY_MAX + 3; i++) {
        text[0] = (char)('a' + i % 26);
        text[1] = (char)('a' + i / 26);
        text[2] = '\0';
        enter(text);
    }
    EXPECT_U64(edit.count, EDIT_HISTORY_MAX);
    EXPECT(memcmp(edit.history[0], "da", 2) == 0);
}

TAP_TEST(characters_of_several_bytes_are_one)
{
    start();
    (void)press("a\xc3\xa4"
                "b" LEFT LEFT);
    EXPECT_U64(edit.cursor, 1);
    (void)press(RIGHT "\x7f");
    expect_line("ab", 1);
}

TAP_TEST(control_c_gives_up_and_control_d_ends_an_empty_line)
{
    start();
    EXPECT_U64(press("abc\x03"), EDIT_CANCEL);
    begin();
    EXPECT_U64(press("a\x04"), EDIT_GOES_ON);
    EXPECT_U64(press("\x7f\x04"), EDIT_END);
}

TAP_TEST(a_line_has_an_end)
{
    start();
    for (unsigned i = 0; i < 2 * EDIT_LINE_MAX; i++) {
        (void)press("x");
    }
    EXPECT_U64(edit.length, EDIT_LINE_MAX - 1);
}

TAP_TEST(any_keys_leave_the_line_whole)
{
    uint64_t state = 1;
    start();
    for (unsigned i = 0; i < 200000; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const char key = (char)(state >> 40);
        const enum edit_event event = edit_key(&edit, key);
        EXPECT(edit.cursor <= edit.length && edit.length < EDIT_LINE_MAX);
        if (event != EDIT_GOES_ON) {
            edit_remember(&edit);
            edit_begin(&edit);
        }
        column = column < WIDTH ? column : 0;
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(keys_go_in_where_the_cursor_is),
        TAP(the_cursor_stays_in_the_line),
        TAP(characters_and_words_are_taken_away),
        TAP(the_history_goes_back_and_forth_and_keeps_the_new_line),
        TAP(a_line_is_remembered_once_and_an_empty_one_not),
        TAP(the_history_forgets_its_oldest_line),
        TAP(characters_of_several_bytes_are_one),
        TAP(control_c_gives_up_and_control_d_ends_an_empty_line),
        TAP(a_line_has_an_end),
        TAP(any_keys_leave_the_line_whole),
    };
    return TAP_RUN(argc, argv, tests);
}
