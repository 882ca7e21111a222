/* SPDX-License-Identifier: MIT */
#include "edit.h"

#include <stdio.h>
#include <string.h>

#define CONTROL(letter) ((letter)&0x1f)
#define KEY_BACKSPACE   0x08
#define KEY_ESCAPE      0x1b
#define KEY_DELETE      0x7f

static void show(const struct edit *edit, const char *bytes, size_t length)
{
    edit->show(edit->context, bytes, length);
}

static void show_text(const struct edit *edit, const char *text)
{
    show(edit, text, strlen(text));
}

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Columns of a piece of the line: characters of UTF-8, each taken to be one wide. */
static unsigned columns(const char *bytes, size_t length)
{
    unsigned count = 0;
    for (size_t i = 0; i < length; i++) {
        count += continues_character(bytes[i]) ? 0 : 1;
    }
    return count;
}

/* Show prompt and line anew, and put the cursor where it belongs. */
static void refresh(const struct edit *edit)
{
    char back[16];
    const unsigned behind = columns(edit->line + edit->cursor, edit->length - edit->cursor);
    show_text(edit, "\r");
    show_text(edit, edit->prompt);
    show(edit, edit->line, edit->length);
    show_text(edit, "\033[K");
    if (behind > 0) {
        snprintf(back, sizeof(back), "\033[%uD", behind);
        show_text(edit, back);
    }
}

void edit_begin(struct edit *edit)
{
    edit->length = 0;
    edit->cursor = 0;
    edit->escape = 0;
    edit->chosen = edit->count;
    edit->kept_length = 0;
    refresh(edit);
}

void edit_remember(struct edit *edit)
{
    if (edit->length == 0) {
        return;
    }
    if (edit->count > 0 && edit->lengths[edit->count - 1] == edit->length &&
        memcmp(edit->history[edit->count - 1], edit->line, edit->length) == 0) {
        return;
    }
    if (edit->count == EDIT_HISTORY_MAX) {
        memmove(edit->history[0], edit->history[1], sizeof(edit->history) - EDIT_LINE_MAX);
        memmove(&edit->lengths[0], &edit->lengths[1], sizeof(edit->lengths) - sizeof(size_t));
        edit->count--;
    }
    memcpy(edit->history[edit->count], edit->line, edit->length);
    edit->lengths[edit->count] = edit->length;
    edit->count++;
}

/* Cut [first, end) out of the line; the cursor goes to `first`. */
static void cut(struct edit *edit, size_t first, size_t end)
{
    memmove(&edit->line[first], &edit->line[end], edit->length - end);
    edit->length -= end - first;
    edit->cursor = first;
    refresh(edit);
}

/* Start of the character before the cursor, end of the one at it. */
static size_t left_of(const struct edit *edit)
{
    size_t at = edit->cursor;
    while (at > 0) {
        at--;
        if (!continues_character(edit->line[at])) {
            break;
        }
    }
    return at;
}

static size_t right_of(const struct edit *edit)
{
    size_t at = edit->cursor;
    while (at < edit->length) {
        at++;
        if (at == edit->length || !continues_character(edit->line[at])) {
            break;
        }
    }
    return at;
}

/* Start of the word before the cursor. */
static size_t word_left_of(const struct edit *edit)
{
    size_t at = edit->cursor;
    while (at > 0 && edit->line[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && edit->line[at - 1] != ' ') {
        at--;
    }
    return at;
}

static void move(struct edit *edit, size_t to)
{
    edit->cursor = to;
    refresh(edit);
}

static void insert(struct edit *edit, char byte)
{
    if (edit->length + 1 == EDIT_LINE_MAX || ((unsigned char)byte < 0x20 && byte != '\t')) {
        show_text(edit, "\a");
        return;
    }
    memmove(&edit->line[edit->cursor + 1], &edit->line[edit->cursor], edit->length - edit->cursor);
    edit->line[edit->cursor++] = byte == '\t' ? ' ' : byte;
    edit->length++;
    if (edit->cursor == edit->length) {
        show(edit, &edit->line[edit->cursor - 1], 1);
    } else {
        refresh(edit);
    }
}

/* Show another line of the history, or the new one behind its end. */
static void choose(struct edit *edit, unsigned chosen)
{
    if (chosen > edit->count) {
        show_text(edit, "\a");
        return;
    }
    if (edit->chosen == edit->count) {
        memcpy(edit->kept, edit->line, edit->length);
        edit->kept_length = edit->length;
    }
    edit->chosen = chosen;
    const bool is_new = chosen == edit->count;
    edit->length = is_new ? edit->kept_length : edit->lengths[chosen];
    memcpy(edit->line, is_new ? edit->kept : edit->history[chosen], edit->length);
    move(edit, edit->length);
}

static void choose_older(struct edit *edit)
{
    choose(edit, edit->chosen == 0 ? edit->count + 1 : edit->chosen - 1);
}

/* The last byte of a sequence ESC [ ... or ESC O ... */
static void finish_escape(struct edit *edit, char byte)
{
    switch (byte) {
    case 'A':
        choose_older(edit);
        break;
    case 'B':
        choose(edit, edit->chosen + 1);
        break;
    case 'C':
        move(edit, right_of(edit));
        break;
    case 'D':
        move(edit, left_of(edit));
        break;
    case 'H':
        move(edit, 0);
        break;
    case 'F':
        move(edit, edit->length);
        break;
    case '~': /* ESC [ digit ~ */
        if (edit->parameter == '3') {
            cut(edit, edit->cursor, right_of(edit));
        } else if (edit->parameter == '1' || edit->parameter == '7') {
            move(edit, 0);
        } else if (edit->parameter == '4' || edit->parameter == '8') {
            move(edit, edit->length);
        }
        break;
    default: /* keys that mean nothing here */
        break;
    }
}

/* Collect an escape sequence. Returns: whether the byte belonged to one. */
static bool take_escape(struct edit *edit, char byte)
{
    if (edit->escape == 0) {
        edit->escape = byte == KEY_ESCAPE ? 1 : 0;
        edit->parameter = '\0';
        return edit->escape != 0;
    }
    if (edit->escape == 1) {
        edit->escape = byte == '[' || byte == 'O' ? 2 : 0;
        return true;
    }
    if (byte < 0x40) {
        edit->parameter = edit->parameter == '\0' ? byte : edit->parameter;
        return true;
    }
    edit->escape = 0;
    finish_escape(edit, byte);
    return true;
}

/* Keys that do not end the line. */
static void control(struct edit *edit, char byte)
{
    switch (byte) {
    case KEY_BACKSPACE:
    case KEY_DELETE:
        cut(edit, left_of(edit), edit->cursor);
        break;
    case CONTROL('A'):
        move(edit, 0);
        break;
    case CONTROL('B'):
        move(edit, left_of(edit));
        break;
    case CONTROL('D'):
        cut(edit, edit->cursor, right_of(edit));
        break;
    case CONTROL('E'):
        move(edit, edit->length);
        break;
    case CONTROL('F'):
        move(edit, right_of(edit));
        break;
    case CONTROL('K'):
        cut(edit, edit->cursor, edit->length);
        break;
    case CONTROL('L'):
        show_text(edit, "\033[H\033[2J");
        refresh(edit);
        break;
    case CONTROL('N'):
        choose(edit, edit->chosen + 1);
        break;
    case CONTROL('P'):
        choose_older(edit);
        break;
    case CONTROL('U'):
        cut(edit, 0, edit->cursor);
        break;
    case CONTROL('W'):
        cut(edit, word_left_of(edit), edit->cursor);
        break;
    default:
        insert(edit, byte);
        break;
    }
}

enum edit_event edit_key(struct edit *edit, char byte)
{
    if (take_escape(edit, byte)) {
        return EDIT_GOES_ON;
    }
    if (byte == '\r' || byte == '\n') {
        if (edit->cursor != edit->length) {
            move(edit, edit->length);
        }
        show_text(edit, "\n");
        return EDIT_LINE;
    }
    if (byte == CONTROL('C')) {
        show_text(edit, "^C\n");
        return EDIT_CANCEL;
    }
    if (byte == CONTROL('D') && edit->length == 0) {
        show_text(edit, "\n");
        return EDIT_END;
    }
    control(edit, byte);
    return EDIT_GOES_ON;
}
