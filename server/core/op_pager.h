/* SPDX-License-Identifier: MIT */
/*
 * PAGER_MAKE, PAGER_OBJECT, PAGER_NEXT, PAGER_ATTACH: what makes a process the pager of objects,
 * and what there is for it to do.
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

/*
 * Make a pager, which `space` serves and holds.
 *
 * Returns:   ERR_OK; ERR_NOMEM: no frame, or over the budget (recorded).
 * On error:  nothing changed.
 */
MUST_USE enum err op_pager_make(struct core *core, struct space *space, struct object **named);

struct pager_object_request {
    uint64_t key;
    uint64_t bytes;
    uint64_t patience; /* in units of core->time; UINT64_MAX: for ever */
    uint32_t window;   /* pages, 1 .. PAGER_WINDOW_MAX */
    uint32_t flags;    /* OBJECT_APPEND, OBJECT_WAITS */
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
 * Let `space` serve a pager whose process has ended.
 *
 * Returns:   ERR_OK; ERR_TYPE; ERR_BUSY: it is served; ERR_DEADLK: `space` maps something that, in
 *            the end, this pager fills.
 * On error:  nothing changed.
 */
MUST_USE enum err op_pager_attach(struct core *core, struct space *space, struct object *named);

/* Whether `named` is a pager that `space` serves: ERR_OK, ERR_TYPE, ERR_PERM. */
MUST_USE enum err op_pager_check(const struct core *core, struct space *space,
                                 const struct object *named);
