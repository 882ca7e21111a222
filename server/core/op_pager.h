/* SPDX-License-Identifier: MIT */
/*
 * PAGER_MAKE, PAGER_OBJECT, PAGER_NEXT, PAGER_ATTACH, PAGER_ADOPT: what makes a process the pager
 * of objects, and what there is for it to do.
 *
 * A pager is named by an object (`named`), an object that it serves by its key, which is the
 * pager's own word, and its number. Only the process that serves a pager may say anything for it.
 *
 * Not here: its answers (op_supply.h); records (pager.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/object.h"
#include "server/core/space.h"

/* Most pages that one pull is about. */
#define PAGER_WINDOW_MAX 64u

struct pager_request {
    bool is_served;   /* by who makes it; else by the first who attaches */
    uint32_t reserve; /* frames, of who serves it; at most RESERVE_MOST (reserve.h) */
};

/*
 * Make a pager, which `space` holds. One with a reserve makes who serves it a memory maker: that
 * costs as many frames at once, which must be there.
 *
 * Returns:   ERR_OK; with a reserve, ERR_PERM: no privilege; ERR_INVAL: too large, or memory of a
 *            `space` that is to serve it is not locked for good (LOCK_ALL with FUTURE); ERR_NOMEM:
 *            no frame, or over the budget (recorded).
 * On error:  nothing changed.
 */
MUST_USE enum err op_pager_make(struct core *core, struct space *space,
                                const struct pager_request *request, struct object **named);

struct pager_object_request {
    uint64_t key;
    uint64_t bytes;
    uint64_t patience; /* in units of core->time; UINT64_MAX: for ever */
    uint32_t window;   /* pages, 1 .. PAGER_WINDOW_MAX */
    uint32_t flags;    /* OBJECT_APPEND, OBJECT_WAITS, OBJECT_MANDATORY */
};

/*
 * Make an object that a pager serves, which `space` then holds.
 *
 * Returns:   ERR_OK; ERR_TYPE: `named` is no pager; ERR_PERM: `space` does not serve it; ERR_INVAL:
 *            a window or patience of 0; ERR_FBIG: larger than OBJECT_BYTES_MAX; ERR_NOMEM: no
 *            frame, or over the budget (recorded).
 * On error:  nothing changed.
 */
MUST_USE enum err op_pager_object(struct core *core, struct space *space, struct object *named,
                                  const struct pager_object_request *request,
                                  struct object **object);

enum pager_work_kind {
    PAGER_WORK_PULL = 1, /* supply these pages, or let them fail */
    PAGER_WORK_SAVE = 2, /* save these pages; the object has them as they are */
    PAGER_WORK_GONE = 3, /* nobody refers to the object any longer */
};

struct pager_work {
    uint32_t kind; /* enum pager_work_kind */
    uint32_t pages;
    uint64_t key;
    uint64_t number;
    uint64_t first;
    uint64_t generation;
};

/*
 * Take what there is to do for a pager that `space` serves. Pages that are to be saved cannot be
 * written to from now on without this being noticed.
 *
 * Requires:  the caller has `processes`, and no bucket: for what is to be saved all are taken.
 * Returns:   ERR_OK; ERR_TYPE, ERR_PERM as above; ERR_WOULD_BLOCK: there is nothing.
 */
MUST_USE enum err op_pager_next(struct core *core, struct space *space, struct object *named,
                                struct pager_work *work);

/*
 * Make pages of the pager's own memory from `address` on present, into which it may put what it was
 * asked for, to have it moved (op_supply()). What is promised to the pages that are asked for is
 * not used up, and nothing is waited for.
 *
 * Requires:  `space` is the caller's to change; the address is page-aligned.
 * Returns:   how many of `pages` pages, at most PAGER_WINDOW_MAX, from the first on can be moved.
 *            May make port calls.
 */
uint32_t op_pager_grant(struct core *core, struct space *space, uaddr_t address, uint32_t pages);

/*
 * Let `space` serve a pager whose process has ended.
 *
 * Returns:   ERR_OK; ERR_TYPE; ERR_BUSY: it is served; ERR_PERM: it has a reserve, or a swap area
 *            is among its objects, and `space` could not make such; ERR_DEADLK: `space` maps
 *            something that, in the end, this pager fills.
 * On error:  nothing changed.
 */
MUST_USE enum err op_pager_attach(struct core *core, struct space *space, struct object *named);

/*
 * Let `space`, which serves a pager, hold the one of its objects that was made last of those with a
 * number below `before`, as if it had made it.
 *
 * Returns:   ERR_OK; ERR_TYPE; ERR_PERM: `space` does not serve it; ERR_NOENT: there is none;
 *            ERR_NOMEM: no frame (recorded).
 * On error:  nothing changed.
 */
MUST_USE enum err op_pager_adopt(struct core *core, struct space *space, struct object *named,
                                 uint64_t before, struct object **object);
/* Who adopted it knows that, so its pager keeps it no longer. */
void op_pager_adopted(struct core *core, struct object *object);

/* Whether `named` is a pager that `space` serves: ERR_OK, ERR_TYPE, ERR_PERM. */
MUST_USE enum err op_pager_check(const struct core *core, struct space *space,
                                 const struct object *named);
