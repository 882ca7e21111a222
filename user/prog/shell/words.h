/* SPDX-License-Identifier: MIT */
/*
 * A command line taken apart.
 *
 *     replay '/traces/my trace' &      "it's" \"x
 *
 * Words are separated by spaces and tabs. '...' keeps everything, "..." everything but a backslash,
 * a backslash the next character. An & of its own at the end asks for the background; > or >> and a
 * word say where the output goes. A | < ; && or || of its own is refused, since it would mean
 * something in other shells.
 * Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/attr.h>

#define WORDS_MAX      32
#define WORDS_LINE_MAX 1024

struct words {
    size_t count;
    const char *items[WORDS_MAX + 1]; /* end with NULL; in `text` */
    bool is_background;
    bool is_appending;      /* valid with an output */
    const char *output_opt; /* NULL: none is named */
    char text[WORDS_LINE_MAX];
};

/*
 * Take a line of `length` bytes apart.
 *
 * Returns:   NULL; what is wrong with it otherwise, as the end of a sentence.
 * On error:  `words` is undefined.
 */
MUST_USE const char *words_split(const char *line, size_t length, struct words *words);
