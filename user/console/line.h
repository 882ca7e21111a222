/* SPDX-License-Identifier: MIT */
/*
 * What is typed, on its way to readers: edited line by line, or key by key.
 *
 *   line_type() -> the line being edited -> Enter, ^D, or at once with keys -> what can be read
 *
 * I1  What can be read is text and marks; a mark says that a read must end there.
 * I2  What does not fit is dropped, and the bell says so.
 * Pure C: tested on the host. Owner: the driver.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <console/proto.h>

#define LINE_BYTES_MAX 1024u /* of one line */
#define LINE_READY_MAX 4096u

/* What shows bytes to whoever types. */
struct line_echo {
    void (*show)(void *context, const char *bytes, size_t length);
    void *context;
};

enum line_event {
    LINE_NOTHING = 0,   /* nothing more can be read than before */
    LINE_READY = 1,     /* more can be read */
    LINE_INTERRUPT = 2, /* ^C; the line is gone */
};

struct line {
    enum console_mode mode;
    char edited[LINE_BYTES_MAX];
    size_t length;
    unsigned escape;                /* bytes so far of an escape sequence */
    uint16_t ready[LINE_READY_MAX]; /* bytes, and marks */
    uint64_t put;
    uint64_t taken;
};

/* Nothing typed yet, mode CONSOLE_LINES. */
void line_init(struct line *line);

/* Change the mode; an unfinished line becomes readable with CONSOLE_KEYS. */
void line_set_mode(struct line *line, enum console_mode mode);

/* A byte was typed. */
enum line_event line_type(struct line *line, char byte, const struct line_echo *echo);

/* Whether a read can be answered. */
bool line_is_ready(const struct line *line);

/*
 * What a read of `room` bytes gets: up to the end of a line or a mark; it stays until line_drop().
 *
 * Requires:  line_is_ready().
 * Returns:   bytes at `to`; 0: the end of the input.
 */
size_t line_peek(const struct line *line, char *to, size_t room);

/* Take away what a peek returned. */
void line_drop(struct line *line, size_t length);
