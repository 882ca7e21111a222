/* SPDX-License-Identifier: MIT */
/*
 * Pulls: what is asked of a pager, and who waits for it. Data and invariants are in pager.h.
 *
 * One pull serves all who need its pages, in the order in which they came; each goes on as soon as
 * his page is there. A pull for one page asks for those behind it too, as far as they are absent
 * and the object's window reaches: all of the window where use is said to be sequential or the page
 * follows what was asked for last, each time twice as many as before, and one page where it is said
 * to be random.
 *
 * Owner: who is in shared_enter().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/pager.h"

/* What became of a need. */
enum pull_verdict {
    PULL_THERE,    /* it is met already, or cannot be any longer: look again */
    PULL_JOINED,   /* a pull of the slot is under way */
    PULL_FULL,     /* no slot is free */
    PULL_NO_FRAME, /* now; it may be worth waiting for one (reclaim.h) */
    PULL_NO_BUDGET,
    PULL_NOBODY, /* no process serves the pager, and none will */
};

/*
 * Have a pull under way for what is needed of an object. `space_opt` learns of a refused budget.
 * May make port calls.
 */
enum pull_verdict pull_ask(struct core *core, struct space *space_opt, struct object *object,
                           const struct need *need, uint32_t *slot);

/*
 * The pull with a generation that the pager was given; NULL if it has ended, or is for another
 * object or of another kind.
 */
struct pull *pull_find(const struct core *core, struct pager *pager, uint64_t generation,
                       uint64_t number, enum need_kind kind);

/*
 * Pages first .. first + pages - 1 have been filled. The pull ends with its last page; may make
 * port calls then.
 */
void pull_supplied(struct core *core, struct pager *pager, struct pull *pull, uint64_t first,
                   uint64_t pages);

/*
 * A pull ends: what it had asked for and did not get is asked for no longer, and whoever waits for
 * it goes on with `outcome`. May make port calls.
 */
void pull_end(struct core *core, struct pager *pager, struct pull *pull, enum err outcome);

/* Part of the pages of a pull for pages fail; the pull goes on with the others. */
void pull_fail(struct core *core, struct pager *pager, struct pull *pull, uint64_t first,
               uint64_t pages, enum err outcome);

/*
 * Pages first .. first + pages - 1, which were to be saved, are (ERR_OK) or are not; the pull goes
 * on with the others. May make port calls with the last.
 */
void pull_saved(struct core *core, struct pager *pager, struct pull *pull, uint64_t first,
                uint64_t pages, enum err outcome);

/* The object became shorter: who waits for pages past its end goes on. May make port calls. */
void pull_shrink(struct core *core, struct object *object);

/* The object goes: all its pulls end, and none of the backlog waits for it. */
void pull_end_all(struct core *core, struct pager *pager, const struct object *object,
                  enum err outcome);

/* What a pager was asked for is asked of another process: it has all of its time again. */
void pull_renew(struct core *core, struct pager *pager);

/* Give free slots to who waits in the backlog. May make port calls. */
void pull_refill(struct core *core, struct pager *pager);

/* Have pages from a DIRTY one on saved, if a slot is free; nobody waits. May make port calls. */
void pull_save(struct core *core, struct object *object, uint64_t page);

/* Whether something is being saved, or keeps others from it, and will not last for ever. */
bool pull_is_saving(const struct core *core);

/*
 * The time at which what begins now for an object has lasted too long; UINT64_MAX: never. Now is
 * the latest time that any server thread has come here with: one that has not looked at the clock
 * for long may begin what somebody has waited for in a backlog.
 */
uint64_t pull_deadline(const struct core *core, const struct object *object);

/* Have a later look for deadlines not after `deadline`. */
void pull_note_deadline(struct core *core, uint64_t deadline);

/*
 * End what should have come by core->time.
 *
 * Returns:   when to look again; UINT64_MAX: there is nothing to wait for. May make port calls.
 */
uint64_t pull_expire(struct core *core);
