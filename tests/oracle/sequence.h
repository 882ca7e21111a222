/* SPDX-License-Identifier: MIT */
/*
 * Sequences as text: the form in which a difference is printed and read again.
 *
 *   room 0xa 0xb 0x10 0x13 0xfff65 0x1000025 root
 *   map addr=0x1000000000 length=0x1000 prot=0x3 flags=0x22
 *   ...
 *
 * The numbers of the first line are the first page and the page after the last one of each zone; at
 * its end stands `root` or `nobody`. Lines that start with # and empty ones are skipped.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "slot.h"

/* Print a sequence, each line after `prefix`. */
void sequence_print(const struct sequence *sequence, const char *prefix);

/* Read a sequence. Returns: 0, or the number of the line that is wrong. */
unsigned sequence_read(FILE *file, struct sequence *sequence);

/* Leave out what follows a step, and the others of its batch. */
void sequence_cut(struct sequence *sequence, uint32_t index);
