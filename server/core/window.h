/* SPDX-License-Identifier: MIT */
/*
 * The window of message pages of a space: its page tables, and which pages its threads have.
 *
 * The first 512 pages are noted in the space itself; for each 512 more there is an arena page and a
 * page table. They stay until the space ends.
 *
 * I1  A page's bit is set exactly while a thread of the space has it.
 * I2  Blocks are in a list from the last to the second; the first is in the space.
 * Owner: the space.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/space.h"

#define WINDOW_BLOCK 512u

/*
 * Have a page of the window that no thread has, and its tables: `*page`, or any if that is
 * THREAD_ANY_PAGE.
 *
 * Returns:   ERR_OK; ERR_EXIST: a thread has this page; ERR_NOMEM without frames or budget;
 *            ERR_RANGE: no page is left. May make port calls.
 * On error:  nothing changed but that tables may stand.
 */
MUST_USE enum err window_choose(struct core *core, struct space *space, uint32_t *page);

/* A thread has the page from now on, or no longer. */
void window_take(const struct core *core, struct space *space, uint32_t page);
void window_give(const struct core *core, struct space *space, uint32_t page);

/* Give back all tables, when no thread is left. */
void window_end(struct core *core, struct space *space);

/* Take back the table that a dead server was adding. */
void window_recover(struct core *core);

/* Frames of its tables. */
uint32_t window_frames(const struct space *space);
