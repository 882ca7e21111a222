/* SPDX-License-Identifier: MIT */
/*
 * A statement of the boot manifest: a line cut into words, names and numbers among them, and
 * complaints about them.
 *
 * Pure C: tested on the host, with <hf/manifest.h>.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/attr.h>
#include <hf/manifest.h>

#define STATEMENT_WORDS_MAX 8u

/* A line's words: slices of the text. */
struct words {
    uint32_t count;
    const char *items[STATEMENT_WORDS_MAX];
    size_t lengths[STATEMENT_WORDS_MAX];
};

struct reader {
    struct manifest *manifest;
    struct manifest_error *error;
    struct manifest_process *process; /* that the statements are about; NULL: none yet */
    uint32_t statements;              /* about it, so far */
    const struct words *words;
};

/* Cut a line into words. Returns: NULL, or what is wrong with it. */
const char *statement_split(const char *line, size_t length, struct words *words);

/*
 * Complain. The word that the complaint is about is number `word` of the line; a number too high:
 * none. Returns: false.
 */
bool statement_refuse(const struct reader *reader, uint32_t word, const char *reason);

/* Whether the word is this one. */
bool statement_is_word(const struct words *words, uint32_t word, const char *text);

/* Read a number in decimal; none at all is 0. Returns: whether it is one. */
MUST_USE bool statement_read_number(const char *digits, size_t length, uint64_t *number);

/* Take the word as a name, or as a number of a range. Returns: whether it is one; else refused. */
MUST_USE bool statement_take_name(const struct reader *reader, uint32_t word,
                                  char name[MANIFEST_NAME_BYTES]);
MUST_USE bool statement_take_number(const struct reader *reader, uint32_t word, uint64_t low,
                                    uint64_t high, const char *reason, uint64_t *number);
