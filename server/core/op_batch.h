/* SPDX-License-Identifier: MIT */
/*
 * BATCH: several requests on one space, all or none.
 *
 *   twin    the operations run in order on a copy of the regions (twin.h); the first that is
 *           refused refuses all, and the copy is thrown away
 *   commit  pages go that the operations take away, and the copy's regions become the space's
 *   after   pages become present where MAP or PROTECT would have made them so
 *
 * Operations: MAP, UNMAP, PROTECT, REMAP in place, ADVISE but for POPULATE and REMOVE, LOCK on
 * fault, UNLOCK. Others would move pages or could fail after the commit.
 *
 * The cost grows with the regions of the space. What is about huge pages is done in one
 * shared_enter() (huge_twin.h).
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/op_advise.h"
#include "server/core/op_lock.h"
#include "server/core/op_map.h"
#include "server/core/op_protect.h"
#include "server/core/op_remap.h"

#define BATCH_MAX 64u

enum batch_sort {
    BATCH_MAP,
    BATCH_UNMAP,
    BATCH_PROTECT,
    BATCH_REMAP,
    BATCH_ADVISE,
    BATCH_LOCK,
    BATCH_UNLOCK,
};

struct batch_span {
    uaddr_t address;
    uint64_t length;
};

/* One operation; each in its STRICT form. */
struct batch_op {
    enum batch_sort sort;
    union {
        struct map_request map;
        struct batch_span unmap;
        struct protect_request protect;
        struct remap_request remap;
        struct advise_request advise;
        struct lock_request lock; /* UNLOCK too */
    };
    uaddr_t address;      /* the answer of MAP and REMAP, after ERR_OK */
    struct range cleared; /* op_batch()'s own: the pages that it takes away */
};

/*
 * Carry out `count` operations, 1 to BATCH_MAX. The caller has `processes`, and no bucket.
 *
 * Returns:   ERR_OK; what the operation `*refused` returns; ERR_OPNOTSUPP if it cannot be part of a
 *            batch; ERR_NOMEM with `*refused` = `count` if there is no frame for the copy
 *            (recorded); ERR_MORE: work of another request comes first (work.h).
 * On error:  nothing changed.
 */
MUST_USE enum err op_batch(struct core *core, struct space *space, struct batch_op *ops,
                           uint32_t count, uint32_t *refused);
