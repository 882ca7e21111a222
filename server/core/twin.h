/* SPDX-License-Identifier: MIT */
/*
 * A copy of a space's regions on which requests can be tried, to be kept or thrown away as a whole.
 *
 * A twin is a space without kernel object, pages and tables, MAKING from its birth to its end:
 * requests change its regions and totals, and make no port call that is about pages. Its budget is
 * the space's. What its regions promise is not in the commit account, which counts the space's;
 * what requests change on it is, so that they are judged as they would be on the space.
 *
 * I1  commit.used counts `committed` of the twin in place of that of the space until the two are
 *     exchanged or the twin is refused.
 * Owner: the request that makes it. A twin that a dead server left is ended by space_recover().
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/space.h"

/*
 * Begin a twin of the space `number`, which has `settings`. The caller has `processes`, and no
 * bucket.
 *
 * Returns:   ERR_OK; ERR_NOMEM if frames are missing. May make port calls.
 * On error:  nothing changed.
 */
MUST_USE enum err twin_begin(struct core *core, const struct space_settings *settings,
                             uint32_t number, struct space **twin);

/*
 * Make it a twin of `space`, whose bucket the caller has from here to the exchange.
 *
 * Returns:   ERR_OK; ERR_NOMEM if frames are missing, in the budget or in all (recorded in
 *            `space`). May make port calls.
 * On error:  the twin is to be ended.
 */
MUST_USE enum err twin_make(struct core *core, struct space *space, struct space *twin);

/*
 * Exchange regions and totals of the space and its twin, which has what the space had then. In a
 * commit, WRITING; pages that the new regions do not have are gone already.
 */
void twin_exchange(struct core *core, struct space *space, struct space *twin);

/* Have the account count `space` again. space_end() of the twin follows, as after an exchange. */
void twin_refuse(struct core *core, const struct space *space, const struct space *twin);

/* Take the regions from a space without kernel object. For space_end(). */
void twin_clear(struct core *core, struct space *twin);
