/* SPDX-License-Identifier: MIT */
/*
 * Reserves: frames that only one memory maker may take, when nobody else finds any.
 *
 * A memory maker is a process without which memory cannot be set free: it serves a pager with a
 * reserve, which whoever made that pager has paid for. Dirty pages need its work, and its work may
 * need frames, for what it maps, pins or is sent. `left` of the reserve are there for it, but
 * nothing of it for pages ahead of the one that it waits for:
 *
 *   free frames    anybody's | asked for | swap areas | left of all reserves
 *                            '----------------- pool.kept ------------------'
 *
 *   full --reserve_spend: nothing is anybody's--> lent --reserve_refill: before others--> full
 *
 * When its process ends another one has to take its place, and needs frames before it can do
 * anything: so all that the one had is the reserve's besides (`again`; of several pagers that it
 * served, of one), and who made the pager, and those of its children that may be memory makers,
 * take from it to start that. What is left of it when the next one attaches is still for that one,
 * until frames are plenty. Who waits for a frame meanwhile is not refused one, as long as the
 * objects of the pager have their waiters wait for the next process (`awaited`).
 *
 * I1  pool.kept has `left` of all pagers; pool.lent is the sum of what is missing.
 * I2  left <= the size, which is `reserve` and `again`; with a process that does not end (`keeps`
 *     is 0) `again` is what is left beyond `reserve`.
 * I3  `again` and `awaited` are 0 without a reserve.
 * Owner: who is in shared_enter(), if nothing else is said.
 *
 * Not here: what is kept for swap areas, and for pages that were asked for (reclaim.h, I2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

struct core;
struct pager;
struct space;

/* The largest reserve of a pager, in frames. */
#define RESERVE_MOST 4096u

/*
 * Give a pager that has none a reserve.
 *
 * Returns:   whether there are as many frames that are anybody's.
 * On error:  nothing changed.
 */
MUST_USE bool reserve_open(struct core *core, struct pager *pager, uint32_t frames);

/* The pager goes: what is left is anybody's. */
void reserve_close(struct core *core, struct pager *pager);

/* Have reserves that are not full have what is anybody's. */
void reserve_refill(struct core *core);

/*
 * Take a frame out of a reserve of which core->spender may have one.
 *
 * Returns:   whether there was one; it is among those that nobody keeps now.
 */
MUST_USE bool reserve_spend(struct core *core);

/* Whether a space could be core->spender, and something is left for it. From anywhere. */
bool reserve_is_for(struct core *core, const struct space *space);

/* A space begins to end: what it has is kept for who serves its pagers next. From anywhere. */
void reserve_keep(struct core *core, const struct space *space);

/* No process serves the pager any longer: its objects wait for the next one. */
void reserve_await(struct core *core, struct pager *pager);

/* The next one does: what is not there by now is not kept for it. */
void reserve_attach(struct core *core, struct pager *pager);

/* None ever will: what it has beyond its reserve is anybody's. */
void reserve_settle(struct core *core, struct pager *pager);

/* Whether a process is awaited that may set frames free. */
bool reserve_is_awaited(const struct core *core);

/* The time of some has come, by core->time. Returns: when that of the next one will. */
uint64_t reserve_expire(struct core *core, struct pager *pager);

/* What there is of reserves, in frames. */
struct reserve_view {
    uint64_t frames; /* that they have when they are full */
    uint64_t left;   /* that they have */
    uint64_t spent;  /* that were taken since boot */
};
void reserve_look(const struct core *core, struct reserve_view *view);

/* `left` of all, for recovery. */
uint64_t reserve_left(const struct core *core);

/* Check I1 to I3, but for pool.kept. */
void reserve_audit(const struct core *core);
