/* SPDX-License-Identifier: MIT */
/*
 * What requests may not do to regions of huge pages (huge.h): cut them inside of a page, or make
 * them larger.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/op_remap.h"
#include "server/core/range.h"
#include "server/core/space.h"

/* huge_check_edges() for a space that has such regions. */
NOINLINE MUST_USE enum err huge_refuse_edges(const struct core *core, struct space *space,
                                             struct range range);

/*
 * Whether regions can be cut at both edges of the range.
 *
 * Returns:   ERR_OK; ERR_INVAL where an edge is inside of a huge page (recorded).
 * Semantics: Linux hugetlb_vm_op_split().
 */
MUST_USE static inline enum err huge_check_edges(const struct core *core, struct space *space,
                                                 struct range range)
{
    return LIKELY(space->huges == 0) ? ERR_OK : huge_refuse_edges(core, space, range);
}

/*
 * The same for a range that is to be given back: its end is rounded down, so that no more goes than
 * was meant (Linux madvise_dontneed_free_valid_vma()); nothing may be left.
 */
MUST_USE enum err huge_check_discard(const struct core *core, struct space *space,
                                     struct range *range);

/* huge_check_edges() of two ranges, which may be empty. */
MUST_USE static inline enum err huge_check_both(const struct core *core, struct space *space,
                                                struct range first, struct range second)
{
    const enum err error = huge_check_edges(core, space, first);

    return error != ERR_OK ? error : huge_check_edges(core, space, second);
}

/*
 * Whether a region may be remapped so; if it is one of huge pages, lengths become multiples of
 * those.
 *
 * Returns:   ERR_OK; ERR_INVAL: old or new place inside of a page, longer than before, DONTUNMAP
 *            (recorded).
 * Semantics: Linux mremap(), and VM_DONTEXPAND.
 */
MUST_USE enum err huge_check_remap(const struct core *core, struct space *space,
                                   const struct region *region, const struct remap_request *request,
                                   uint32_t *old_pages, uint32_t *new_pages);

/*
 * Whether the pool of `level` has as many pages as fill the range, with those that come back if it
 * is mapped over.
 *
 * Returns:   ERR_OK; ERR_NOMEM (recorded).
 */
MUST_USE enum err huge_check_promise(struct core *core, struct space *space, struct range range,
                                     uint32_t level);
