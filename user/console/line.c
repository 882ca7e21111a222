/* SPDX-License-Identifier: MIT */
#include "line.h"

#include <string.h>

#define MARK 0x100u /* in `ready`: a read ends here */

enum key {
    KEY_INTERRUPT = 0x03, /* ^C */
    KEY_END = 0x04,       /* ^D */
    KEY_BELL = 0x07,
    KEY_BACKSPACE = 0x08,
    KEY_RETURN = 0x0d,
    KEY_KILL = 0x15, /* ^U */
    KEY_WORD = 0x17, /* ^W */
    KEY_ESCAPE = 0x1b,
    KEY_DELETE = 0x7f,
};

void line_init(struct line *line)
{
    memset(line, 0, sizeof(*line));
}

static void show(const struct line_echo *echo, const char *text)
{
    echo->show(echo->context, text, strlen(text));
}

static size_t ready_room(const struct line *line)
{
    return LINE_READY_MAX - (size_t)(line->put - line->taken);
}

static uint16_t ready_at(const struct line *line, uint64_t position)
{
    return line->ready[position % LINE_READY_MAX];
}

static void ready_put(struct line *line, uint16_t what)
{
    line->ready[line->put++ % LINE_READY_MAX] = what;
}

/* Let the edited line be read, with `last` behind it. Returns: whether there was room. */
static bool deliver(struct line *line, uint16_t last)
{
    if (ready_room(line) < line->length + 1) {
        return false;
    }
    for (size_t i = 0; i < line->length; i++) {
        ready_put(line, (unsigned char)line->edited[i]);
    }
    line->length = 0;
    ready_put(line, last);
    return true;
}

void line_set_mode(struct line *line, enum console_mode mode)
{
    if (mode == CONSOLE_KEYS && line->mode == CONSOLE_LINES) {
        for (size_t i = 0; i < line->length && ready_room(line) > 0; i++) {
            ready_put(line, (unsigned char)line->edited[i]);
        }
        line->length = 0;
    }
    line->mode = mode;
    line->escape = 0;
}

/* Take the last character away; bytes that continue one of UTF-8 go with its first. */
static void erase(struct line *line, const struct line_echo *echo)
{
    while (line->length > 0) {
        line->length--;
        if (((unsigned char)line->edited[line->length] & 0xc0) != 0x80) {
            show(echo, "\b \b");
            return;
        }
    }
}

static void erase_word(struct line *line, const struct line_echo *echo)
{
    while (line->length > 0 && line->edited[line->length - 1] == ' ') {
        erase(line, echo);
    }
    while (line->length > 0 && line->edited[line->length - 1] != ' ') {
        erase(line, echo);
    }
}

/* Skip sequences such as those of the arrows: there is nothing here for them to do. */
static bool is_escape(struct line *line, char byte)
{
    if (line->escape == 0) {
        line->escape = byte == KEY_ESCAPE ? 1 : 0;
        return line->escape != 0;
    }
    const bool goes_on = line->escape == 1 ? byte == '[' || byte == 'O' : byte < 0x40;
    line->escape = goes_on ? line->escape + 1 : 0;
    return true;
}

static void add(struct line *line, char byte, const struct line_echo *echo)
{
    const char text[2] = {byte, '\0'};
    if (line->length == LINE_BYTES_MAX || ((unsigned char)byte < 0x20 && byte != '\t')) {
        show(echo, "\a");
        return;
    }
    line->edited[line->length++] = byte;
    show(echo, text);
}

static enum line_event finish(struct line *line, uint16_t last, const struct line_echo *echo)
{
    if (!deliver(line, last)) {
        show(echo, "\a");
        return LINE_NOTHING;
    }
    if (last == '\n') {
        show(echo, "\n");
    }
    return LINE_READY;
}

static enum line_event edit(struct line *line, char byte, const struct line_echo *echo)
{
    if (is_escape(line, byte)) {
        return LINE_NOTHING;
    }
    switch ((unsigned char)byte) {
    case KEY_INTERRUPT:
        line->length = 0;
        show(echo, "^C\n");
        return LINE_INTERRUPT;
    case KEY_END:
        return finish(line, MARK, echo);
    case KEY_RETURN:
    case '\n':
        return finish(line, '\n', echo);
    case KEY_BACKSPACE:
    case KEY_DELETE:
        erase(line, echo);
        return LINE_NOTHING;
    case KEY_KILL:
        while (line->length > 0) {
            erase(line, echo);
        }
        return LINE_NOTHING;
    case KEY_WORD:
        erase_word(line, echo);
        return LINE_NOTHING;
    default:
        add(line, byte, echo);
        return LINE_NOTHING;
    }
}

enum line_event line_type(struct line *line, char byte, const struct line_echo *echo)
{
    if (line->mode == CONSOLE_LINES) {
        return edit(line, byte, echo);
    }
    if (ready_room(line) == 0) {
        show(echo, "\a");
        return LINE_NOTHING;
    }
    ready_put(line, (unsigned char)byte);
    return LINE_READY;
}

bool line_is_ready(const struct line *line)
{
    return line->put != line->taken;
}

size_t line_peek(const struct line *line, char *to, size_t room)
{
    size_t length = 0;
    for (uint64_t at = line->taken; at != line->put && length < room; at++) {
        const uint16_t what = ready_at(line, at);
        if (what == MARK) {
            break;
        }
        to[length++] = (char)what;
        if (what == '\n') {
            break;
        }
    }
    return length;
}

void line_drop(struct line *line, size_t length)
{
    line->taken += length;
    /* A mark behind text has done its work; one alone was the end of the input. */
    if (line->taken != line->put && ready_at(line, line->taken) == MARK &&
        (length == 0 || ready_at(line, line->taken - 1) != '\n')) {
        line->taken++;
    }
}
