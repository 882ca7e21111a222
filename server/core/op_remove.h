/* SPDX-License-Identifier: MIT */
/*
 * ADVISE(REMOVE): give back what shared memory holds in a range. Who maps it finds zeros from then
 * on, in every space; private copies stay.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/op_advise.h"

/*
 * Take the range out of the objects that it shows. The caller has `processes`, and no bucket: all
 * are taken, as for resizing (op_object.h). `request->advice` is not looked at.
 *
 * Returns:   ERR_OK; ERR_WAIT (NEED_TURN), where much goes or parts of huge pages become zero: the
 *            rest of the range is for the next message; ERR_INVAL: unaligned, wrapping; per region:
 *            ERR_NOMEM: a hole; ERR_INVAL: locked, or without an object; ERR_ACCES: not shared, or
 *            never to be written; ERR_OPNOTSUPP: not shared memory; ERR_PERM: sealed against
 *            writing (recorded).
 * On error:  nothing changed; in the LINUX form the regions before the one that refuses are done,
 *            and holes are passed over and refused in the end.
 * Semantics: madvise(2), MADV_REMOVE. The cost grows with the regions that map the object. Whole
 *            huge pages go back to the pool, and are promised no longer (Linux
 *            hugetlbfs_punch_hole()).
 */
MUST_USE enum err op_remove(struct core *core, struct space *space,
                            const struct advise_request *request);
