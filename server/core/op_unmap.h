/* SPDX-License-Identifier: MIT */
/*
 * UNMAP: take whatever regions and pages are in a range out of a space.
 *
 * Check and apply are public for the requests that replace or move regions.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/range.h"
#include "server/core/space.h"

/*
 * Unmap `length` bytes from `address` on; what is free there already is no error.
 *
 * Returns:   ERR_OK; ERR_INVAL if the address is not aligned, the length 0, or the range leaves
 *            user space; ERR_NOMEM if a region would have to be split and the space holds as many
 *            as it may, or no record is to be had; ERR_MORE, with turns: it is done, in steps
 *            that are still to be made (work.h).
 * On error:  nothing changed.
 * Semantics: munmap(2).
 */
MUST_USE enum err op_unmap(struct core *core, struct space *space, uaddr_t address,
                           uint64_t length);

/*
 * The commit of unmapping a range in steps; all that is reserved of op_unmap() is.
 *
 * Returns: ERR_MORE; ERR_OK where core does everything at once.
 */
MUST_USE enum err unmap_begin(struct core *core, struct space *space, struct range range);

/* op_unmap() of a range, not in steps: no work may be left behind a refusal. */
MUST_USE enum err unmap_at_once(struct core *core, struct space *space, struct range range);

/* Whether unmapping the range cuts a region in two. */
bool unmap_splits(const struct core *core, const struct space *space, struct range range);

/*
 * Remove what is mapped in the range, if anything can be. In a commit, READY.
 *
 * Returns: the first page of the range that is present; its end if none.
 */
uint32_t unmap_leaves(struct core *core, struct space *space, struct range range);

/*
 * Remove regions and pages of the range; `first` is what unmap_leaves() answered. In a commit,
 * WRITING.
 *
 * Returns: the first region after the range; NULL if none.
 */
struct region *unmap_apply(struct core *core, struct space *space, struct range range,
                           uint32_t first);

/* What is free between the region before `next_opt` and it. */
struct range unmap_gap(const struct core *core, const struct space *space,
                       const struct region *next_opt);

/* After the commit: drop the tables that nothing needs any longer. */
void unmap_tables(struct core *core, struct space *space, struct range range);
