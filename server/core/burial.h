/* SPDX-License-Identifier: MIT */
/*
 * Shared memory whose last reference has gone, and that has more pages than a message may be about:
 * it waits in a queue, and its pages are given back in steps.
 *
 *   last reference --> few pages, for this message --> free
 *                 `--> queue (OBJECT_GONE), the first first --> WORK_PAGES a step --> free
 *
 * Nobody finds such an object any more, by number, name or region, but its pages are paid for and
 * in the commit account until they are given back. Who had the last reference makes the steps and
 * is answered after the last one (struct more, `burial`); the shell sees to those that nobody asks
 * after, and to all of them before it refuses anybody anything that they have.
 *
 * I1  In the queue are the memory objects without references that are in no worker's list, each
 *     OBJECT_GONE; there are `begun` - `done` of them, linked by `next_dead`.
 * I2  They have a number from 1 on in the order in which they came: the first is `done` + 1.
 * Owner: who is in shared_enter(); all but `last` may be read by all.
 *
 * Not here: files, whose pager has a say in it (paged.h), and huge pages, which are few.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

struct core;
struct object;
struct space;

/* In the head of the arena. */
struct burials {
    _Atomic uint32_t first; /* link; 0: none */
    uint32_t last;
    _Atomic uint64_t begun;
    _Atomic uint64_t done;
};

/*
 * Whether an object that has just lost its last reference is more than this message may give back
 * yet. If not, it counts towards what it has given back.
 */
MUST_USE bool burial_is_long(struct core *core, const struct object *object);

/* Put it in the queue; `burial` of core->more is its number. In shared_enter(), no commit. */
void burial_begin(struct core *core, struct object *object);

/* Whether there are steps to be made. */
bool burial_is_due(const struct core *core);

/* Make one, if there is one to be made. Not in a commit. */
void burial_step(struct core *core);

/* Make all that are left. */
void burial_finish(struct core *core);

/* Whether the object with this number is no more, as are those before it; none ever had 0. */
bool burial_is_over(const struct core *core, uint64_t number);

/* What this message put in the queue is due to a request about `space`, which goes on. */
void burial_note(struct core *core, struct space *space);

/* Check I1 and I2. Returns: how many objects are in the queue. */
uint64_t burial_audit(const struct core *core);
