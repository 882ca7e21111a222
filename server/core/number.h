/* SPDX-License-Identifier: MIT */
/*
 * Thread numbers: which are in use, by blocks of 512, as many as a page table of the memory
 * server's window of message pages covers.
 *
 * A block is an arena page with the link of each thread; the block of the first numbers always
 * stands, and its table is the kernel's from boot. Any other is made, with a table, when all before
 * it are full, and goes with its last number.
 *
 * I1  A block's bit is set exactly where its link is not 0; `count` is their number.
 * I2  Blocks but the first have a table in the server's window; head->number_tables counts them.
 * Owner: shared, changed by whoever makes and ends threads.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

struct core;

#define NUMBER_BLOCK  512u
#define NUMBER_BLOCKS 512u
#define NUMBER_END    (NUMBER_BLOCK * NUMBER_BLOCKS)

/* The link entered under a number, which may be any; 0: none. */
uint32_t number_link(const struct core *core, uint64_t number);

/*
 * Find a free number, none of the first ones, which the server's own threads have, and have its
 * block.
 *
 * Returns:   ERR_OK; ERR_NOMEM without a frame; ERR_RANGE if all are in use. May make port calls.
 * On error:  nothing changed.
 */
MUST_USE enum err number_choose(struct core *core, uint32_t *number);

/* Have the block of the first numbers. Returns: whether there was a frame for it. */
MUST_USE bool number_begin(struct core *core);

/* How many numbers besides 0 the server's own threads have. */
uint32_t number_kept(const struct core *core);

/* Enter the link of a thread under a free number whose block stands. */
void number_enter(struct core *core, uint32_t number, uint32_t link);

/* Take a number back. May make port calls: its block may go. */
void number_leave(struct core *core, uint32_t number);

/* The first number from `number` on that is in use; NUMBER_END: none. */
uint32_t number_next(const struct core *core, uint32_t number);

/* Finish or take back the step on a table that a server thread of a dead server left. */
void number_recover_step(struct core *core);

/* Give back the tables that nobody needs after that. */
void number_recover(struct core *core);

/* Check I1 and I2. Returns: frames of tables. */
uint64_t number_audit(const struct core *core);
