/* SPDX-License-Identifier: MIT */
/*
 * A trace file as lines, and a line as fields.
 *
 * The whole file is read at once; lines and fields are cut out in place.
 *
 * I1  `line` is the number, from 1, of the line that scan_line() took last.
 * I2  `fields` point into `text` and are valid until the next scan_line().
 * Owner: who called scan_load() calls scan_fini().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "complain.h"

#define SCAN_FIELDS_MAX 12

struct scan {
    struct place place;
    char *text;
    size_t text_length;
    size_t next;   /* offset of the first byte not taken yet */
    char *current; /* the line taken last, without its newline */
    char *fields[SCAN_FIELDS_MAX];
    unsigned fields_count;
};

/*
 * Read all of the file `path`.
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE if it cannot be read; OUTCOME_MEMORY.
 * On error:  nothing is held; the reason was printed.
 */
MUST_USE enum outcome scan_load(const char *path, struct scan *scan);

/* Give the text back. */
void scan_fini(struct scan *scan);

/* Whether every line was taken. */
bool scan_is_at_end(const struct scan *scan);

/*
 * Take the next line; there is one (scan_is_at_end() is false).
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE if the line is empty, holds a NUL, or has no newline: the
 *            file was cut off.
 */
MUST_USE enum outcome scan_line(struct scan *scan);

/*
 * Cut the current line into fields at single spaces; the last of SCAN_FIELDS_MAX holds what
 * remains.
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE if a field is empty or holds a control character.
 */
MUST_USE enum outcome scan_fields(struct scan *scan);

/* Whether `text` is a number in lower-case hex, 1 to 16 digits; `value` is written only then. */
bool scan_hex(const char *text, uint64_t *value);

/* Whether `text` is a decimal number below 2^31; `value` is written only then. */
bool scan_decimal(const char *text, uint32_t *value);
