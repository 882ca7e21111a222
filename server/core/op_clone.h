/* SPDX-License-Identifier: MIT */
/*
 * CLONE: make a space that starts as a copy of another one.
 *
 *   regions    all but those with DONTFORK; locks are not inherited; an object gets one reference
 *              more
 *   pages      what was written in private regions is shared copy-on-write; WIPEONFORK regions
 *              start empty; what shared regions show comes with the first touch
 *   limits     value and ceiling as in the space that is copied
 *   budget     its own, or its maker's; it pays for a page that it shares as for one of its own, so
 *              that a write later is not refused
 *   not        threads, handles, what LOCK_ALL says about regions to come
 *
 * The cost grows with the regions and with the pages that were written, not with the size of the
 * regions. The clone is MAKING until all of it stands, so a server that dies meanwhile leaves
 * nothing of it.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/space.h"

/* What a clone is that its original is not; as in struct space_settings. */
struct clone_request {
    uint32_t privileges;
    uint32_t priority;
    uint64_t frames_max;
    uint32_t maker; /* 0: none */
    uint32_t reserved;
};

/*
 * Make a clone of `from`. The caller has `processes`, and no bucket.
 *
 * Returns:   ERR_OK; ERR_NOMEM if the commit account (MEM_LIMIT_COMMIT) or a frame refuses
 *            (recorded in `from`); ERR_MORE: work of another request comes first (work.h).
 * On error:  nothing changed, but that pages may be found to be nobody else's at their next write.
 * Semantics: fork(2) for the memory of a process; madvise(2), MADV_DONTFORK, MADV_WIPEONFORK.
 */
MUST_USE enum err op_clone(struct core *core, struct space *from,
                           const struct clone_request *request, struct space **clone);
