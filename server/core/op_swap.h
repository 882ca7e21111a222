/* SPDX-License-Identifier: MIT */
/*
 * SWAP: making an object of a pager the swap area, or letting it get no new pages any longer.
 */
#pragma once

#include <stdbool.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/object.h"
#include "server/core/space.h"

/*
 * Have an object that `space` serves be the swap area from now on, or (`is_on` is false) have it
 * get no new pages: it is let go when none that it has is needed any longer.
 *
 * An area cannot be mapped, resized, or read by others; its pages are there once they are written.
 * It costs swap_cost() frames at once.
 *
 * Returns:   ERR_OK; ERR_PERM: no privilege, or `space` does not serve it; ERR_INVAL: not an object
 *            of a pager, append-only, without pages or with too many, or waited for for ever;
 *            or one that is no area (off), or memory of the caller that is not locked for good
 *            (LOCK_ALL with FUTURE): what is needed to make room must not need any; ERR_BUSY:
 *            another process serves an area, or the object is mapped or has pages; ERR_NOMEM: over
 *            the budget (recorded), or too many areas still have pages.
 * On error:  nothing changed.
 * Semantics: ours; swapon(2), but that nothing is read back by switching it off.
 */
MUST_USE enum err op_swap(struct core *core, struct space *space, struct object *object,
                          bool is_on);
