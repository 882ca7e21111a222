/* SPDX-License-Identifier: MIT */
/*
 * The machine's pool of huge pages, which the oracle has to itself while it compares them.
 *
 * It is what other processes have too: pool_take() waits until no other oracle has it, refuses
 * where anybody uses pages of it, and pool_give_back() makes it as large as it was. Pages that are
 * promised, though nobody uses any, count as lost: Linux (6.12, 6.18) forgets what it promised when
 * part of a private mapping is moved. The pool is made larger by so many.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Have a pool of `pages` free pages of 2 MiB that nobody was promised.
 *
 * Returns: NULL; or why not, and then nothing is changed.
 */
const char *pool_take(uint32_t pages);

/* Make it as it was; may be called at any time, by a signal's handler too. */
void pool_give_back(void);
