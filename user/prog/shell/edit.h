/* SPDX-License-Identifier: MIT */
/*
 * Editing one line, key by key, with a history.
 *
 *   left right ^B ^F   move            backspace ^D delete   take a character away
 *   home end ^A ^E     to the ends     ^U ^K ^W              take away to an end, a word
 *   up down ^P ^N      history         ^L clear the screen   ^C give up, Enter finish
 *
 * What is shown is always the prompt, the line and the cursor in it, as long as the line fits the
 * screen's width.
 *
 * I1  cursor <= length < EDIT_LINE_MAX; neither is in the middle of a character of UTF-8.
 * Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/attr.h>

#define EDIT_LINE_MAX    512u
#define EDIT_HISTORY_MAX 32u

enum edit_event {
    EDIT_GOES_ON = 0,
    EDIT_LINE = 1,   /* Enter: `line` and `length` are it */
    EDIT_CANCEL = 2, /* ^C */
    EDIT_END = 3,    /* ^D on an empty line */
};

struct edit {
    const char *prompt;
    void (*show)(void *context, const char *bytes, size_t length);
    void *context;
    char line[EDIT_LINE_MAX];
    size_t length;
    size_t cursor;
    unsigned escape; /* bytes so far of an escape sequence */
    char parameter;  /* its digit, if it has one */
    char history[EDIT_HISTORY_MAX][EDIT_LINE_MAX];
    size_t lengths[EDIT_HISTORY_MAX];
    unsigned count;           /* lines in the history, the last is the youngest */
    unsigned chosen;          /* the line that is shown; count: the new one */
    char kept[EDIT_LINE_MAX]; /* the new line, while an old one is shown */
    size_t kept_length;
};

/* Begin a line: show the prompt. */
void edit_begin(struct edit *edit);

/* A key, or a part of one, was pressed. */
MUST_USE enum edit_event edit_key(struct edit *edit, char byte);

/* Put the line into the history, unless it is empty or the youngest there. */
void edit_remember(struct edit *edit);
